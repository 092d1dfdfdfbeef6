import { type State, states, type Trigger, terminalStates, triggers } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { bothOrNeither, idCarriesInstant, implies, instant, oneOf, windowHours } from './columns.ts';

/**
 * PARTITION BY RANGE (scheduled_for), one partition a UTC day (`jobs_20261122`), made by `ensure_history_day`. The id carries
 * `scheduled_for`, so an id alone names its partition. No reference to schedules and targets: history outlives them.
 */
export const jobs = pgTable(
  'jobs',
  {
    id: uuid().notNull(),
    scheduledFor: instant().notNull(),
    scheduleId: text(),
    targetId: text().notNull(),
    trigger: text().$type<Trigger>().notNull(),
    state: text().$type<State>().notNull(),
    reason: text(),
    startedAt: instant(),
    finishedAt: instant(),
    haltOnTaskFailure: boolean().notNull(),
    windowStartHour: smallint(),
    windowEndHour: smallint(),
    generation: integer().notNull(),
    /** Overlap policy `queue`: the job that has to be over first. */
    afterJobId: uuid(),
    halted: boolean().notNull(),
    cancelRequestedAt: instant(),
    traceId: text().notNull(),
    traceparent: text().notNull(),
    requestedBy: text().notNull(),
  },
  (table) => [
    // In this order it also serves the list, newest first.
    primaryKey({ name: 'jobs_pkey', columns: [table.scheduledFor, table.id] }),
    // Law 4: one job for each tick and target.
    uniqueIndex('jobs_tick').on(table.scheduleId, table.targetId, table.scheduledFor).where(sql`trigger = 'schedule'`),
    index('jobs_open').on(table.targetId, table.scheduleId).where(sql`finished_at IS NULL`),
    index('jobs_by_state').on(table.state, table.scheduledFor, table.id),
    index('jobs_by_schedule').on(table.scheduleId, table.scheduledFor, table.id),
    index('jobs_by_target').on(table.targetId, table.scheduledFor, table.id),
    check('jobs_id', idCarriesInstant),
    check('jobs_state', oneOf('state', states)),
    check('jobs_trigger', oneOf('trigger', triggers)),
    check('jobs_tick_has_schedule', implies(sql`trigger = 'schedule'`, sql`schedule_id IS NOT NULL`)),
    check('jobs_finished', bothOrNeither(oneOf('state', terminalStates), sql`finished_at IS NOT NULL`)),
    check('jobs_started', implies(sql`state = 'RUNNING'`, sql`started_at IS NOT NULL`)),
    check('jobs_skipped_has_reason', implies(sql`state = 'SKIPPED'`, sql`reason IS NOT NULL`)),
    check('jobs_window', windowHours),
    check('jobs_generation', sql`generation >= 0`),
  ],
);

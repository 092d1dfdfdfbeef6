import { type Json, type State, states, type TaskError, terminalStates } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { check, doublePrecision, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bothOrNeither, implies, instant, oneOf } from './columns.ts';

/** PARTITION BY RANGE (scheduled_for), as jobs; each partition refers to the day's partition of tasks. */
export const steps = pgTable(
  'steps',
  {
    scheduledFor: instant().notNull(),
    taskId: uuid().notNull(),
    key: text().notNull(),
    position: integer().notNull(),
    state: text().$type<State>().notNull(),
    reason: text(),
    object: text(),
    statement: text(),
    phase: text(),
    percent: doublePrecision(),
    etaSeconds: doublePrecision(),
    result: jsonb().$type<Json>(),
    error: jsonb().$type<TaskError>(),
    startedAt: instant(),
    finishedAt: instant(),
  },
  (table) => [
    primaryKey({ name: 'steps_pkey', columns: [table.scheduledFor, table.taskId, table.key] }),
    check('steps_state', oneOf('state', states)),
    check('steps_finished', bothOrNeither(oneOf('state', terminalStates), sql`finished_at IS NOT NULL`)),
    check('steps_failed_has_error', implies(sql`state = 'FAILED'`, sql`error IS NOT NULL`)),
    check('steps_percent', sql`percent IS NULL OR percent BETWEEN 0 AND 100`),
  ],
);

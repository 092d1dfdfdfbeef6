import { type JsonObject, type WatchState, watchStates } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { boolean, check, doublePrecision, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { bothOrNeither, implies, instant, oneOf } from './columns.ts';

/** Looks that are to be taken at what act work led to; written before it acted. */
export const watches = pgTable(
  'watches',
  {
    id: uuid().primaryKey().defaultRandom(),
    targetId: text().notNull(),
    jobId: uuid().notNull(),
    taskId: uuid().notNull(),
    rollbackPointId: uuid().notNull(),
    object: text().notNull(),
    table: text('table_name').notNull(),
    baseline: jsonb().$type<JsonObject>().notNull(),
    minCalls: integer().notNull(),
    maxSlowerPercent: doublePrecision().notNull(),
    rollBackWhenWorse: boolean().notNull(),
    lookEverySeconds: integer().notNull(),
    lastsSeconds: integer().notNull(),
    state: text().$type<WatchState>().notNull(),
    startedAt: instant().notNull().defaultNow(),
    until: instant().notNull(),
    nextLookAt: instant().notNull(),
    /** Of the latest look. */
    evidence: jsonb().$type<JsonObject>(),
    lookJobId: uuid(),
    rollbackJobId: uuid(),
    finishedAt: instant(),
  },
  (table) => [
    index('watches_due')
      .on(table.nextLookAt)
      .where(oneOf('state', ['prepared', 'open'])),
    index('watches_worse').on(table.id).where(sql`state = 'worse' AND rollback_job_id IS NULL`),
    index('watches_by_target').on(table.targetId),
    index('watches_by_rollback_point').on(table.rollbackPointId),
    index('watches_by_age').on(table.finishedAt),
    check('watches_state', oneOf('state', watchStates)),
    check('watches_finished', bothOrNeither(oneOf('state', ['prepared', 'open']), sql`finished_at IS NULL`)),
    check('watches_worse_has_evidence', implies(sql`state = 'worse'`, sql`evidence IS NOT NULL`)),
    check('watches_look_every', sql`look_every_seconds >= 1`),
    check('watches_lasts', sql`lasts_seconds >= 1`),
  ],
);

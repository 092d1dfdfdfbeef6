import { type RollbackState, rollbackStates } from '@slacktide/application/ports';
import { sql } from 'drizzle-orm';
import { check, index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { bothOrNeither, instant, oneOf } from './columns.ts';

/** How to take back what act work did; written before it acted. */
export const rollbackPoints = pgTable(
  'rollback_points',
  {
    id: uuid().primaryKey().defaultRandom(),
    targetId: text().notNull(),
    jobId: uuid().notNull(),
    taskId: uuid().notNull(),
    object: text().notNull(),
    summary: text().notNull(),
    statements: text().array().notNull(),
    state: text().$type<RollbackState>().notNull(),
    createdAt: instant().notNull().defaultNow(),
    usedByJobId: uuid(),
  },
  (table) => [
    index('rollback_points_by_job').on(table.jobId, table.createdAt),
    index('rollback_points_by_age').on(table.createdAt),
    check('rollback_points_state', oneOf('state', rollbackStates)),
    check('rollback_points_statements', sql`cardinality(statements) > 0`),
    check('rollback_points_used', bothOrNeither(sql`state = 'used'`, sql`used_by_job_id IS NOT NULL`)),
  ],
);

import { type RemnantKind, type RemnantOutcome, remnantKinds, remnantOutcomes } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { bigint, check, index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { bothOrNeither, instant, oneOf } from './columns.ts';

/** What a task may leave behind on a target, written before it acts. Open until it was found to be gone, or swept. */
export const remnants = pgTable(
  'remnants',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    targetId: text().notNull(),
    taskId: uuid().notNull(),
    /** Outlives the task's history. Null in rows of the release before. */
    taskType: text(),
    fence: bigint({ mode: 'number' }).notNull(),
    kind: text().$type<RemnantKind>().notNull(),
    /** All that is needed to prove later that a thing is ours: names, OIDs, what was there before. */
    proof: jsonb().$type<JsonObject>().notNull(),
    recordedAt: instant().notNull().defaultNow(),
    closedAt: instant(),
    outcome: text().$type<RemnantOutcome>(),
    /** What was dropped, or why it could not be. */
    note: text(),
  },
  (table) => [
    index('remnants_open').on(table.targetId).where(sql`closed_at IS NULL`),
    index('remnants_by_task').on(table.taskId),
    check('remnants_kind', oneOf('kind', remnantKinds)),
    check('remnants_outcome', sql`outcome IS NULL OR (${oneOf('outcome', remnantOutcomes)})`),
    check('remnants_closed', bothOrNeither(sql`closed_at IS NULL`, sql`outcome IS NULL`)),
  ],
);

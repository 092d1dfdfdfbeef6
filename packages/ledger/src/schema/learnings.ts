import { type JsonObject, type LearningKind, learningKinds } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { bigint, check, index, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { instant, oneOf } from './columns.ts';

/** What is known of a target from having watched it; each look at a kind replaces what it said before. */
export const learnings = pgTable(
  'learnings',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    targetId: text().notNull(),
    kind: text().$type<LearningKind>().notNull(),
    key: text().notNull(),
    value: jsonb().$type<JsonObject>().notNull(),
    firstLearnedAt: instant().notNull().defaultNow(),
    learnedAt: instant().notNull().defaultNow(),
  },
  (table) => [
    unique('learnings_key').on(table.targetId, table.kind, table.key),
    index('learnings_by_age').on(table.learnedAt, table.id),
    check('learnings_kind', oneOf('kind', learningKinds)),
    check('learnings_value', sql`jsonb_typeof(value) = 'object'`),
  ],
);

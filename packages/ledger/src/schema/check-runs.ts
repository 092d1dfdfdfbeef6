import type { CheckName, JsonObject, SkippedObject, UnknownObject } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

/** The latest run of a check on a target. */
export const checkRuns = pgTable(
  'check_runs',
  {
    targetId: text().notNull(),
    checkName: text().$type<CheckName>().notNull(),
    taskId: uuid().notNull(),
    at: instant().notNull(),
    checked: integer().notNull(),
    skipped: jsonb().$type<readonly SkippedObject[]>().notNull(),
    unknown: jsonb().$type<readonly UnknownObject[]>().notNull(),
    found: integer().notNull(),
    figures: jsonb().$type<JsonObject>().notNull(),
    config: jsonb().$type<JsonObject>().notNull(),
  },
  (table) => [
    primaryKey({ name: 'check_runs_pkey', columns: [table.targetId, table.checkName] }),
    check('check_runs_counts', sql`checked >= 0 AND found >= 0`),
  ],
);

/** What runs of a check left for later ones. */
export const checkSnapshots = pgTable(
  'check_snapshots',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    targetId: text().notNull(),
    checkName: text().$type<CheckName>().notNull(),
    at: instant().notNull(),
    values: jsonb().$type<JsonObject>().notNull(),
  },
  (table) => [index('check_snapshots_series').on(table.targetId, table.checkName, table.at, table.id)],
);

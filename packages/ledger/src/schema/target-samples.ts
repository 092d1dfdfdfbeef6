import type { JsonObject } from '@slacktide/domain';
import { bigint, index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

/** Figures of targets over time, for trends and forecasts. They outlive the job history, and the target. */
export const targetSamples = pgTable(
  'target_samples',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    targetId: text().notNull(),
    at: instant().notNull().defaultNow(),
    metric: text().notNull(),
    /** `schema.name`; null = the whole database. */
    object: text(),
    values: jsonb().$type<JsonObject>().notNull(),
    taskId: uuid().notNull(),
  },
  (table) => [index('target_samples_series').on(table.targetId, table.metric, table.object, table.at)],
);

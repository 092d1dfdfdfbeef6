import type { JsonObject } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant, windowHours } from './columns.ts';

/** Work that tasks asked for when they were over. */
export const followUps = pgTable(
  'follow_ups',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    targetId: text().notNull(),
    askedByJobId: uuid().notNull(),
    askedAt: instant().notNull().defaultNow(),
    type: text().notNull(),
    config: jsonb().$type<JsonObject>().notNull(),
    windowStartHour: integer(),
    windowEndHour: integer(),
    timeLimitSeconds: integer(),
    reason: text().notNull(),
    jobId: uuid(),
    refused: text(),
  },
  (table) => [
    index('follow_ups_open').on(table.id).where(sql`job_id IS NULL AND refused IS NULL`),
    index('follow_ups_latest').on(table.targetId, table.type, table.id),
    check('follow_ups_window', windowHours),
    check('follow_ups_ended', sql`job_id IS NULL OR refused IS NULL`),
  ],
);

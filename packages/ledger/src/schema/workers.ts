import { boolean, doublePrecision, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

/** Heartbeats. A worker that stops in order removes its row. */
export const workers = pgTable('workers', {
  id: text().primaryKey(),
  host: text().notNull(),
  version: text().notNull(),
  taskTypes: jsonb().$type<readonly string[]>().notNull(),
  concurrency: integer().notNull(),
  startedAt: instant().notNull(),
  lastSeenAt: instant().notNull(),
  draining: boolean().notNull(),
  /** Its clock minus the ledger's, in milliseconds, as it saw it last. */
  clockSkewMs: doublePrecision().notNull().default(0),
});

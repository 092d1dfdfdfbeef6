import type { OutboxMessage } from '@slacktide/application/ports';
import { sql } from 'drizzle-orm';
import { bigint, index, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

/** What the dispatcher has still to bring to Redis. A relayed row is deleted. */
export const outbox = pgTable(
  'outbox',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** Whom it is about, `job:<id>` or `schedule:<id>`: rows of one subject are relayed in order. */
    subject: text().notNull(),
    message: jsonb().$type<OutboxMessage>().notNull(),
    createdAt: instant().notNull().defaultNow(),
    /** Truncated, where now() would be rounded: a new row is due at once, not up to half a millisecond later. */
    nextTryAt: instant().notNull().default(sql`date_trunc('milliseconds', now())`),
    attempts: integer().notNull().default(0),
    lastError: text(),
  },
  (table) => [index('outbox_by_subject').on(table.subject, table.id)],
);

import type { Json } from '@slacktide/domain';
import { index, json, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

/** Requests that were served, with their results, until they expire. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    principal: text().notNull(),
    route: text().notNull(),
    key: text().notNull(),
    requestHash: text().notNull(),
    /** The text as it was written: jsonb would sort the keys, and a repeat is answered byte for byte. */
    result: json().$type<Json>(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ name: 'idempotency_keys_pkey', columns: [table.principal, table.route, table.key] }),
    index('idempotency_keys_by_expiry').on(table.expiresAt),
  ],
);

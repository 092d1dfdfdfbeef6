import type { Scope } from '@slacktide/application/ports';
import { sql } from 'drizzle-orm';
import { check, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

export const apiKeys = pgTable(
  'api_keys',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    /** SHA-256 of the secret part, hex. */
    secretHash: text().notNull(),
    scopes: jsonb().$type<readonly Scope[]>().notNull(),
    createdAt: instant().notNull().defaultNow(),
    expiresAt: instant(),
    revokedAt: instant(),
    lastUsedAt: instant(),
  },
  () => [check('api_keys_secret_hash', sql.raw(`secret_hash ~ '^[0-9a-f]{64}$'`))],
);

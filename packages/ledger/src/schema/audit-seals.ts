import { type AuditStream, auditStreams } from '@slacktide/application/ports';
import { sql } from 'drizzle-orm';
import { bigint, check, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import { instant, oneOf } from './columns.ts';

/** The hash chains over `audit_events`, one a stream: each seal covers one event and the seal before it. */
export const auditSeals = pgTable(
  'audit_seals',
  {
    stream: text().$type<AuditStream>().notNull(),
    /** 1, 2, 3 … without a gap. */
    seq: bigint({ mode: 'number' }).notNull(),
    eventId: bigint({ mode: 'number' }).notNull(),
    /** SHA-256 of the previous seal's hash (64 zeros before the first) and the event in canonical JSON (RFC 8785), hex. */
    hash: text().notNull(),
    sealedAt: instant().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'audit_seals_pkey', columns: [table.stream, table.seq] }),
    unique('audit_seals_event').on(table.eventId),
    check('audit_seals_stream', oneOf('stream', auditStreams)),
    check('audit_seals_seq', sql`seq >= 1`),
    check('audit_seals_hash', sql.raw(`hash ~ '^[0-9a-f]{64}$'`)),
  ],
);

import { type AuditStream, auditStreams } from '@slacktide/application/ports';
import { sql } from 'drizzle-orm';
import { bigint, check, index, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { bothOrNeither, instant, oneOf } from './columns.ts';

/** Stretches of the audit log's chains that were written to files: where the next export goes on, and what the chain has to agree with. */
export const auditExports = pgTable(
  'audit_exports',
  {
    id: uuid().primaryKey().defaultRandom(),
    stream: text().$type<AuditStream>().notNull(),
    /** Folder and name of the file, on the host of the worker that wrote it. */
    folder: text().notNull(),
    file: text().notNull(),
    /** Links after this one, whose hash is `previous_hash`, up to `until_seq`, whose hash is `hash`. */
    afterSeq: bigint({ mode: 'number' }).notNull(),
    previousHash: text().notNull(),
    untilSeq: bigint({ mode: 'number' }).notNull(),
    hash: text().notNull(),
    /** The task that writes it, or wrote it. */
    taskId: uuid().notNull(),
    begunAt: instant().notNull().defaultNow(),
    completedAt: instant(),
    /** Of the file. */
    bytes: bigint({ mode: 'number' }),
    /** Of what is in it, before compression; hex. */
    sha256: text(),
  },
  (table) => [
    // One at a time goes on from where the last one ended.
    uniqueIndex('audit_exports_open').on(table.stream, table.folder).where(sql`completed_at IS NULL`),
    index('audit_exports_latest').on(table.folder, table.stream, table.untilSeq),
    check('audit_exports_stream', oneOf('stream', auditStreams)),
    check('audit_exports_stretch', sql`after_seq >= 0 AND until_seq > after_seq`),
    check('audit_exports_complete', bothOrNeither(sql`completed_at IS NULL`, sql`bytes IS NULL`)),
    check('audit_exports_read_back', bothOrNeither(sql`completed_at IS NULL`, sql`sha256 IS NULL`)),
  ],
);

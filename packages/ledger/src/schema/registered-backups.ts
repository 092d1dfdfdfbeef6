import { type BackupKind, backupKinds } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { bigint, check, index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { idCarries, instant, oneOf } from './columns.ts';

/** Backups of targets that somebody took and told us of. */
export const registeredBackups = pgTable(
  'registered_backups',
  {
    id: uuid().primaryKey(),
    targetId: text().notNull(),
    label: text().notNull(),
    kind: text().$type<BackupKind>().notNull(),
    takenAt: instant().notNull(),
    sizeBytes: bigint({ mode: 'number' }).notNull(),
    location: text().notNull(),
    checksum: text(),
    registeredAt: instant().notNull(),
    registeredBy: text().notNull(),
    deletedAt: instant(),
  },
  (table) => [
    index('registered_backups_by_target').on(table.targetId, table.takenAt, table.id).where(sql`deleted_at IS NULL`),
    index('registered_backups_by_kind')
      .on(table.targetId, table.kind, table.takenAt, table.id)
      .where(sql`deleted_at IS NULL`),
    index('registered_backups_deleted').on(table.deletedAt).where(sql`deleted_at IS NOT NULL`),
    check('registered_backups_id', idCarries('registered_at')),
    check('registered_backups_kind', oneOf('kind', backupKinds)),
    check('registered_backups_size', sql`size_bytes >= 0`),
    check('registered_backups_checksum', sql`checksum ~ '^[0-9a-f]{64}$'`),
    // Law 12: the API refuses credentials with a reason; this refuses the plainest whoever writes.
    check('registered_backups_no_password', sql.raw(`location !~ '//[^/?#@[:space:]]*:[^/?#[:space:]]*@'`)),
  ],
);

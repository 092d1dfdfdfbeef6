import type { RegisteredBackup } from '@slacktide/application/ports';
import { backupKinds } from '@slacktide/domain';
import type { LedgerSql } from '../sql.ts';
import { type BackupRow, toBackup } from './backup-row.ts';

/** Of each kind: months of daily ones; archived WAL comes by the minute, and only the latest of it matters. */
const mostOfAKind = 100;

/** The latest backups of a target, the latest taken first. */
export async function selectBackups(sql: LedgerSql, targetId: string): Promise<readonly RegisteredBackup[]> {
  const rows = await sql<BackupRow[]>`
    SELECT b.* FROM unnest(${[...backupKinds]}::text[]) AS k (kind) CROSS JOIN LATERAL (
      SELECT * FROM registered_backups WHERE target_id = ${targetId} AND registered_backups.kind = k.kind AND deleted_at IS NULL
      ORDER BY taken_at DESC, id DESC LIMIT ${mostOfAKind}) AS b
    ORDER BY b.taken_at DESC, b.id DESC`;
  return rows.map(toBackup);
}

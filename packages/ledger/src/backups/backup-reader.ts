import type { BackupReader } from '@slacktide/application/ports';
import { isTimeOrderedId } from '@slacktide/domain';
import { decodeCursor } from '../cursor.ts';
import { pageOf, rowsToRead } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';
import { type BackupRow, toBackup } from './backup-row.ts';

/** Reads backups that are registered. */
export function createBackupReader(sql: LedgerSql): BackupReader {
  return {
    async get(id) {
      if (!isTimeOrderedId(id)) return undefined;
      const [row] = await sql<BackupRow[]>`SELECT * FROM registered_backups WHERE id = ${id} AND deleted_at IS NULL`;
      return row && toBackup(row);
    },

    async list(page, { targetId, kind }) {
      const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, isTimeOrderedId);
      const rows = await sql<BackupRow[]>`
        SELECT * FROM registered_backups
        ${whereAll(sql, [
          sql`target_id = ${targetId} AND deleted_at IS NULL`,
          kind && sql`kind = ${kind}`,
          after && sql`(taken_at, id) < (${after.at}, ${after.id})`,
        ])}
        ORDER BY taken_at DESC, id DESC LIMIT ${rowsToRead(sql, page)}`;
      return pageOf(rows.map(toBackup), page, ({ takenAt, id }) => ({ at: takenAt, id }));
    },
  };
}

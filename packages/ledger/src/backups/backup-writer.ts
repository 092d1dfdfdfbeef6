import type { BackupWriter } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';

/** Writes backups in a transaction. What is deleted stays for a while, for whoever asks what there was. */
export function createBackupWriter(sql: LedgerSql): BackupWriter {
  return {
    async insert(backup) {
      const { id, targetId, label, kind, takenAt, sizeBytes, location, checksum, registeredAt, registeredBy } = backup;
      await sql`
        INSERT INTO registered_backups ${sql({ id, targetId, label, kind, takenAt, sizeBytes, location, checksum, registeredAt, registeredBy })}`;
    },

    async delete(id, at) {
      const { count } =
        await sql`UPDATE registered_backups SET deleted_at = ${at} WHERE id = ${id} AND deleted_at IS NULL`;
      return count === 1;
    },
  };
}

/** As long as what was asked for by tasks: the slowest rhythm of care, a month, and some more. */
export async function pruneBackups(sql: LedgerSql): Promise<void> {
  await sql`DELETE FROM registered_backups WHERE deleted_at <= now() - interval '100 days'`;
}

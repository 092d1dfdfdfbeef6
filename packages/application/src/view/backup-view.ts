import type { Backup } from '@slacktide/contract';
import type { RegisteredBackup } from '../ports/index.ts';

/** A registered backup as the API shows it. */
export function backupView(backup: RegisteredBackup): Backup {
  return {
    id: backup.id,
    target_id: backup.targetId,
    label: backup.label,
    kind: backup.kind,
    taken_at: backup.takenAt.toISOString(),
    size_bytes: backup.sizeBytes,
    location: backup.location,
    checksum: backup.checksum,
    registered_at: backup.registeredAt.toISOString(),
    registered_by: backup.registeredBy,
  };
}

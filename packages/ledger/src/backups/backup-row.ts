import type { RegisteredBackup } from '@slacktide/application/ports';
import type { registeredBackups } from '../schema/index.ts';

export type BackupRow = typeof registeredBackups.$inferSelect;

export function toBackup({ deletedAt: _, ...backup }: BackupRow): RegisteredBackup {
  return backup;
}

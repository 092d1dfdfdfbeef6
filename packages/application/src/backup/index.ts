export { deleteBackup } from './delete-backup.ts';
export { listBackups } from './list-backups.ts';
export { registerBackup } from './register-backup.ts';

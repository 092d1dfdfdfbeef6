/**
 * What a backup is: `full` is a base backup, `incremental` builds on an earlier one, `wal` is archived WAL, `logical` is a dump, `snapshot` is one of
 * a volume or disk.
 */
export const backupKinds = ['full', 'incremental', 'wal', 'logical', 'snapshot'] as const;
export type BackupKind = (typeof backupKinds)[number];

/** Text in which a password, token or signature stands, as far as one can tell: `user:password@`, `password=`, `X-Amz-Signature=` and the like. */
export function holdsCredentials(text: string): boolean {
  return userAndPassword.test(text) || secretParameter.test(text);
}

const userAndPassword = /\/\/[^/?#@\s]*:[^/?#\s]*@/;
const secretParameter =
  /(?:^|[^a-z0-9])(?:password|passwd|pwd|secret|token|sig|signature|access[-_]?key|secret[-_]?key|account[-_]?key|api[-_]?key|credentials?)\s*=/i;

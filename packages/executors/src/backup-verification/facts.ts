import type { FactsResult, LookContext, RegisteredBackup, TargetReader } from '@slacktide/application/ports';

export interface BackupFacts {
  readonly database: string;
  /** The latest first. */
  readonly backups: readonly RegisteredBackup[];
  readonly fileRoots: readonly string[];
}

export async function readBackupFacts(
  reader: TargetReader,
  { memory, fileRoots }: LookContext,
): Promise<FactsResult<BackupFacts>> {
  const [row] = await reader.query<{ database: string }>('SELECT current_database()::text AS database');
  return { kind: 'facts', facts: { database: row?.database ?? '', backups: await memory.backups(), fileRoots } };
}

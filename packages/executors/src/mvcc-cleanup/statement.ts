import type { MvccCleanupConfig } from './schema.ts';

export interface VacuumOptions
  extends Pick<MvccCleanupConfig, 'full' | 'freeze' | 'analyze' | 'truncate' | 'parallel_workers'> {
  readonly serverVersion: number;
  /** It is for the age of its transaction ids: then the database's age must be brought up to date, too. */
  readonly wraparound: boolean;
}

const skipDatabaseStatsSince = 160000;

/** One VACUUM of one table, `quoted` by the server. VERBOSE, because only its output tells how many rows were removed. */
export function vacuumStatement(quoted: string, options: VacuumOptions): string {
  const { full, freeze, analyze, truncate, parallel_workers, serverVersion, wraparound } = options;
  // Else every VACUUM scans pg_class to move datfrozenxid, which only freezing can change.
  const skipDatabaseStats = serverVersion >= skipDatabaseStatsSince && !freeze && !wraparound;
  const words = [
    'VERBOSE',
    ...(full ? ['FULL'] : [`TRUNCATE ${truncate ? 'TRUE' : 'FALSE'}`]),
    ...(freeze ? ['FREEZE'] : []),
    ...(analyze ? ['ANALYZE'] : []),
    ...(parallel_workers === null ? [] : [`PARALLEL ${parallel_workers}`]),
    ...(skipDatabaseStats ? ['SKIP_DATABASE_STATS'] : []),
  ];
  return `VACUUM (${words.join(', ')}) ${quoted}`;
}

import type { MvccCleanupConfig } from './schema.ts';

export interface VacuumOptions
  extends Pick<MvccCleanupConfig, 'full' | 'freeze' | 'analyze' | 'truncate' | 'parallel_workers'> {
  readonly serverVersion: number;
  /** It is for the age of its transaction ids: then the database's age must be brought up to date, too. */
  readonly wraparound: boolean;
  /** The TOAST table alone is due. */
  readonly onlyToast: boolean;
}

const skipDatabaseStatsSince = 160000;
/** Before it there is no VACUUM of a TOAST table alone that the rights to its table are enough for. */
const processMainSince = 160000;

/** Whether the statement will leave the table itself out. */
export function leavesMainOut({ onlyToast, serverVersion, full, freeze, analyze }: VacuumOptions): boolean {
  return onlyToast && serverVersion >= processMainSince && !full && !freeze && !analyze;
}

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
    ...(leavesMainOut(options) ? ['PROCESS_MAIN FALSE'] : []),
    ...(skipDatabaseStats ? ['SKIP_DATABASE_STATS'] : []),
  ];
  return `VACUUM (${words.join(', ')}) ${quoted}`;
}

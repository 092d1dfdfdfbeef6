import type { TargetReader } from '@slacktide/application/ports';

/** What waits in pg_wal/archive_status. */
export interface Backlog {
  readonly readyFiles: number;
  /** Name of the file that has been waiting longest, and for how long; null = none waits. */
  readonly oldest: string | null;
  readonly oldestSeconds: number | null;
}

export interface ArchivingFacts {
  readonly serverVersion: number;
  readonly inRecovery: boolean;
  readonly archiveMode: 'off' | 'on' | 'always';
  /** Whether a command and a library are set; what they are may hold secrets. */
  readonly hasCommand: boolean;
  readonly hasLibrary: boolean;
  readonly archivedCount: number;
  readonly failedCount: number;
  readonly lastArchivedWal: string | null;
  readonly lastArchivedAt: string | null;
  readonly lastFailedWal: string | null;
  readonly lastFailedAt: string | null;
  /** The last try failed: nothing was archived since, or ever. */
  readonly lastTryFailed: boolean;
  /** How far WAL is, in bytes from its beginning; null = a standby that has none yet. */
  readonly walPosition: number | null;
  readonly segmentBytes: number;
  /** Null = our role may not look. */
  readonly backlog: Backlog | null;
  readonly backlogGrant: string;
}

/** Anybody may see these. Comparing the times, not subtracting them: where nothing was ever archived, there is no time to subtract. */
const archiverSql = `
SELECT pg_is_in_recovery() AS "inRecovery", current_setting('archive_mode') AS "archiveMode",
  coalesce(current_setting('archive_command'), '') NOT IN ('', '(disabled)') AS "hasCommand",
  coalesce(current_setting('archive_library', true), '') <> '' AS "hasLibrary",
  archived_count::float8 AS "archivedCount", failed_count::float8 AS "failedCount",
  last_archived_wal AS "lastArchivedWal", last_archived_time::text AS "lastArchivedAt",
  last_failed_wal AS "lastFailedWal", last_failed_time::text AS "lastFailedAt",
  coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) AS "lastTryFailed",
  (CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END
    - '0/0'::pg_lsn)::float8 AS "walPosition",
  (SELECT setting::float8 FROM pg_settings WHERE name = 'wal_segment_size') AS "segmentBytes",
  has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS "mayLook",
  format('GRANT pg_monitor TO %I', current_user) AS "backlogGrant"
FROM pg_stat_archiver`;

const backlogSql = `
SELECT count(*)::int AS "readyFiles", (array_agg(left(name, -6) ORDER BY modification, name))[1] AS oldest,
  greatest(extract(epoch FROM clock_timestamp() - min(modification)), CASE WHEN count(*) > 0 THEN 0 END)::float8 AS "oldestSeconds"
FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'`;

export async function readArchiving(reader: TargetReader): Promise<ArchivingFacts> {
  const [row] = await reader.query<Omit<ArchivingFacts, 'backlog' | 'serverVersion'> & { mayLook: boolean }>(
    archiverSql,
  );
  if (row === undefined) throw new Error('expected one row of pg_stat_archiver');
  const { mayLook, ...facts } = row;
  const [backlog = null] = mayLook ? await reader.query<Backlog>(backlogSql) : [];
  return { ...facts, serverVersion: reader.serverVersion, backlog };
}

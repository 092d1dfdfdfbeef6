import type { TargetReader } from '@slacktide/application/ports';
import { readDirectories } from './directories.ts';
import { readWal, type WalFacts } from './wal.ts';

interface Sized {
  readonly name: string;
  /** Null when our role may not see it. */
  readonly bytes: number | null;
}

interface Tablespace extends Sized {
  /** Null when it is inside the data directory. */
  readonly location: string | null;
}

export interface DiskFacts {
  readonly database: string;
  readonly nowMs: number;
  readonly databases: readonly Sized[];
  readonly tablespaces: readonly Tablespace[];
  /** Of the server's log; null = not to be seen, 0 = it writes none itself. */
  readonly logBytes: number | null;
  /** Of temporary files, which are part of the tablespaces; null = not to be seen. */
  readonly temporaryBytes: number | null;
  /** The log is inside the data directory. */
  readonly logIsInside: boolean;
  readonly wal: WalFacts;
  /** The GRANTs that show sizes, and directories. */
  readonly sizesGrant: string;
  readonly directoriesGrant: string;
}

type Server = Omit<DiskFacts, 'databases' | 'tablespaces' | 'logBytes' | 'temporaryBytes' | 'wal'>;

/** Sizes are read from the file system: no relation is opened, no lock is waited for. */
export async function readDiskFacts(reader: TargetReader): Promise<DiskFacts> {
  const [server] = await reader.query<Server>(serverSql);
  if (server === undefined) throw new Error('a SELECT without FROM returned no row');
  const directories = await readDirectories(reader);
  return {
    ...server,
    databases: await reader.query<Sized>(databasesSql),
    tablespaces: await reader.query<Tablespace>(tablespacesSql),
    logBytes: directories.logBytes,
    temporaryBytes: directories.temporaryBytes,
    wal: await readWal(reader, directories),
  };
}

const serverSql = `
SELECT current_database()::text AS database, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs",
  coalesce((SELECT setting !~ '^([/\\\\]|[A-Za-z]:)' FROM pg_settings WHERE name = 'log_directory'), true) AS "logIsInside",
  format('GRANT pg_read_all_stats TO %I', current_user) AS "sizesGrant",
  format('GRANT pg_monitor TO %I', current_user) AS "directoriesGrant"`;

/** The functions refuse what these conditions leave out. */
const databasesSql = `
SELECT datname::text AS name, CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') OR has_database_privilege(oid, 'CONNECT')
  THEN pg_database_size(oid)::float8 END AS bytes
FROM pg_database ORDER BY datname`;

const tablespacesSql = `
SELECT spcname::text AS name,
  CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') OR has_tablespace_privilege(oid, 'CREATE')
    OR oid = (SELECT dattablespace FROM pg_database WHERE datname = current_database())
    THEN pg_tablespace_size(oid)::float8 END AS bytes,
  nullif(regexp_replace(pg_tablespace_location(oid), '^pg_tblspc/.*', ''), '') AS location
FROM pg_tablespace ORDER BY spcname`;

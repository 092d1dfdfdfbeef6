import type { FactsResult, TargetReader } from '@slacktide/application/ports';
import { resolveTables } from '@slacktide/targets';
import { type Holder, readHolders } from './holders.ts';
import type { MvccCleanupConfig } from './schema.ts';
import { readVacuumTables, totalBytes, type VacuumTable } from './vacuum-tables.ts';

/** The server's autovacuum settings. */
export interface VacuumSettings {
  readonly autovacuum_vacuum_threshold: number;
  readonly autovacuum_vacuum_scale_factor: number;
  /** From 18 on; -1 = no cap. */
  readonly autovacuum_vacuum_max_threshold: number;
  /** -1 = inserts make nothing due. */
  readonly autovacuum_vacuum_insert_threshold: number;
  readonly autovacuum_vacuum_insert_scale_factor: number;
  readonly autovacuum_freeze_max_age: number;
  readonly autovacuum_multixact_freeze_max_age: number;
  readonly vacuum_failsafe_age: number;
  readonly vacuum_multixact_failsafe_age: number;
}

export interface VacuumFacts {
  readonly serverVersion: number;
  /** Every table of the database that is a user's; or those named, with the leaves in place of a partitioned table. */
  readonly tables: readonly VacuumTable[];
  readonly named: boolean;
  readonly settings: VacuumSettings;
  readonly holders: readonly Holder[];
  /** The other databases of the server: this session cannot vacuum them, but the oldest of all stops the server. */
  readonly databases: readonly OtherDatabase[];
}

export interface OtherDatabase {
  readonly name: string;
  readonly xidAge: number;
  readonly multixactAge: number;
  readonly allowsConnections: boolean;
  /** Lets somebody in to vacuum it, quoted by the server. */
  readonly allowSql: string;
}

/** Reads what decides which tables are due. Tables under ACCESS EXCLUSIVE are not measured: that would wait for the lock. */
export async function readVacuumFacts(
  reader: TargetReader,
  config: MvccCleanupConfig,
): Promise<FactsResult<VacuumFacts>> {
  const named = config.tables.length > 0;
  const resolved = await resolveTables(reader, config.tables, '/tables');
  if (resolved.kind === 'refused') return resolved;
  const tables = await readVacuumTables(
    reader,
    named,
    resolved.tables.map(({ oid }) => oid),
  );
  const tooLarge = config.full ? tables.filter((table) => exceeds(totalBytes(table), config.full_max_size_mb)) : [];
  if (tooLarge.length > 0) {
    const problems = tooLarge.map((table) => ({
      pointer: '/full_max_size_mb',
      code: 'table_too_large',
      detail: `VACUUM FULL would rewrite ${table.quoted}: ${inMiB(totalBytes(table))} MiB, the limit is ${config.full_max_size_mb}.`,
    }));
    return { kind: 'refused', problems };
  }
  const [row] = await reader.query<{ settings: VacuumSettings }>(settingsSql);
  if (row === undefined) throw new Error('an aggregate returned no row');
  const holders = await readHolders(reader);
  return {
    kind: 'facts',
    facts: {
      serverVersion: reader.serverVersion,
      tables,
      named,
      settings: row.settings,
      holders,
      databases: await reader.query<OtherDatabase>(databasesSql),
    },
  };
}

/** A size that is unknown (locked now) is let through: the lock will be waited for, and is the smaller worry. */
function exceeds(bytes: number | null, limitMb: number): boolean {
  return bytes !== null && bytes > limitMb * 1024 * 1024;
}

function inMiB(bytes: number | null): number {
  return Math.round((bytes ?? 0) / 1024 / 1024);
}

/** One that an interrupted DROP DATABASE left behind is not counted by the server. */
const databasesSql = `
SELECT datname::text AS name, age(datfrozenxid) AS "xidAge", mxid_age(datminmxid) AS "multixactAge", datallowconn AS "allowsConnections",
  format('ALTER DATABASE %I ALLOW_CONNECTIONS true', datname) AS "allowSql"
FROM pg_database WHERE datname <> current_database() AND datconnlimit <> -2 ORDER BY age(datfrozenxid) DESC, datname`;

/** Absent settings (older servers) take the value that switches their rule off. */
const settingsSql = `
SELECT '{"autovacuum_vacuum_max_threshold": -1}'::jsonb || jsonb_object_agg(name, setting::float8) AS settings
FROM pg_settings
WHERE name IN ('autovacuum_vacuum_threshold', 'autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_max_threshold',
  'autovacuum_vacuum_insert_threshold', 'autovacuum_vacuum_insert_scale_factor', 'autovacuum_freeze_max_age',
  'autovacuum_multixact_freeze_max_age', 'vacuum_failsafe_age', 'vacuum_multixact_failsafe_age')`;

import { TargetError, type TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** A table, a materialized view, or the TOAST table of one. */
export interface TableRow {
  readonly oid: number;
  /** Of a TOAST table, that of the table it belongs to; else its own. */
  readonly ownerOid: number;
  readonly kind: 'table' | 'matview' | 'toast_table';
  readonly schema: string;
  readonly name: string;
  /** `schema.name` of itself, or of the table whose TOAST table it is; quoted by the server. */
  readonly quoted: string;
  /** Table access method. */
  readonly method: string;
  /** Why it is left out by rule; null = it is not. */
  readonly excluded: string | null;
  /** Somebody has, or waits for, ACCESS EXCLUSIVE on it or on the table it belongs to. */
  readonly locked: boolean;
  /** Null when it is locked or left out. */
  readonly sizeBytes: number | null;
  /** Pages that were not all visible at the last VACUUM, in bytes. */
  readonly readBytes: number;
  readonly filenode: number | null;
  /** As the counters have them; 0 after they were reset. */
  readonly liveRows: number;
  readonly deadRows: number;
  readonly lastVacuum: string | null;
  readonly secondsSinceVacuum: number | null;
  readonly vacuumSql: string;
}

export interface TableFacts {
  readonly database: string;
  readonly inRecovery: boolean;
  /** Quoted names of installed extensions that rewrite tables without blocking them. */
  readonly rewriters: readonly string[];
  /** Of at least the asked size, and those that are locked or left out. */
  readonly tables: readonly TableRow[];
  /** How many more there are. */
  readonly tooSmall: number;
}

const tablesSql = `
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
owners AS MATERIALIZED (
  SELECT c.oid, c.reltoastrelid, format('%I.%I', n.nspname, c.relname) AS quoted, c.oid IN (SELECT relation FROM locked) AS locked
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND ${usersTableSql}),
heaps AS MATERIALIZED (
  SELECT c.*, n.nspname, m.amname, o.oid AS owner_oid, o.quoted, o.locked OR c.oid IN (SELECT relation FROM locked) AS locked,
    CASE WHEN m.amname <> 'heap' THEN 'no_measure_for ' || m.amname
      WHEN c.relpersistence = 'u' AND pg_is_in_recovery() THEN 'unlogged_on_standby' END AS excluded
  FROM (SELECT oid AS heap, * FROM owners UNION ALL SELECT reltoastrelid, * FROM owners WHERE reltoastrelid <> 0) o
    JOIN pg_class c ON c.oid = o.heap JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam),
sized AS MATERIALIZED (
  SELECT *, CASE WHEN NOT locked AND excluded IS NULL THEN pg_relation_size(oid)::float8 END AS size_bytes FROM heaps),
listed AS (
  SELECT oid, owner_oid AS "ownerOid", CASE relkind WHEN 't' THEN 'toast_table' WHEN 'm' THEN 'matview' ELSE 'table' END AS kind, nspname::text AS schema,
    relname::text AS name, quoted, amname::text AS method, excluded, locked, size_bytes AS "sizeBytes",
    greatest(0, size_bytes - relallvisible * current_setting('block_size')::float8) AS "readBytes",
    pg_relation_filenode(oid)::int8::float8 AS filenode, pg_stat_get_live_tuples(oid)::float8 AS "liveRows",
    pg_stat_get_dead_tuples(oid)::float8 AS "deadRows", vacuumed.at::text AS "lastVacuum",
    extract(epoch FROM now() - vacuumed.at)::float8 AS "secondsSinceVacuum",
    format('VACUUM %I.%I', nspname, relname) AS "vacuumSql"
  FROM sized CROSS JOIN LATERAL (
    SELECT greatest(pg_stat_get_last_vacuum_time(oid), pg_stat_get_last_autovacuum_time(oid)) AS at) AS vacuumed
  WHERE excluded IS NOT NULL OR locked OR size_bytes >= $1::float8)
SELECT current_database()::text AS database, pg_is_in_recovery() AS "inRecovery",
  ARRAY(SELECT quote_ident(extname) FROM pg_extension WHERE extname IN ('pg_repack', 'pg_squeeze') ORDER BY 1) AS rewriters,
  (SELECT count(*)::int FROM sized WHERE size_bytes < $1::float8) AS "tooSmall",
  (SELECT coalesce(json_agg(listed ORDER BY schema, name), '[]') FROM listed) AS tables`;

const attempts = 3;

/** Somebody may lock a table between the look at pg_locks and that at its size: then everything is read again. @throws TargetError */
export async function readTables(reader: TargetReader, minBytes: number): Promise<TableFacts> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const [facts] = await reader.query<TableFacts>(tablesSql, [minBytes]);
      if (facts === undefined) throw new Error('a SELECT without FROM returned no row');
      return facts;
    } catch (error) {
      if (!(error instanceof TargetError) || error.code !== 'lock_timeout' || attempt === attempts) throw error;
    }
  }
}

import { TargetError, type TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** An index with a file of its own, as the catalogue shows it. */
export interface IndexRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** Its table, in the same schema. */
  readonly table: string;
  /** `schema.name` of the table whose TOAST table it belongs to, quoted; null for others. */
  readonly toastOf: string | null;
  /** Topmost partitioned index above it, quoted; null = it is no partition's. */
  readonly partitionOf: string | null;
  /** Access method. */
  readonly method: string;
  /** Of a catalogue. */
  readonly system: boolean;
  readonly exclusionConstraint: boolean;
  /** Why it is left out by rule; null = it is not. */
  readonly excluded: string | null;
  /** Somebody has, or waits for, ACCESS EXCLUSIVE on it or on its table. */
  readonly locked: boolean;
  /** Null when it is locked or left out. */
  readonly sizeBytes: number | null;
  readonly filenode: number | null;
  /** As of the last VACUUM, ANALYZE or rebuild; -1 = unknown. */
  readonly estimatedTuples: number;
  readonly rebuildSql: string;
  readonly cleanPendingSql: string;
}

export interface IndexFacts {
  readonly database: string;
  readonly inRecovery: boolean;
  /** Of at least the asked size, and those that are locked or left out. */
  readonly indexes: readonly IndexRow[];
  /** How many more there are. */
  readonly tooSmall: number;
}

const indexesSql = `
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))),
indexes AS MATERIALIZED (
  SELECT x.oid, x.relname, x.reltuples, x.relispartition, i.indrelid, i.indisexclusion, n.nspname,
    c.relname AS table_name, c.oid < 16384 AS system, m.amname,
    x.oid IN (SELECT relation FROM locked) OR c.oid IN (SELECT relation FROM locked) AS locked,
    CASE WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN 'invalid_index'
      WHEN m.amname NOT IN ('btree', 'hash', 'gin') THEN 'no_measure_for ' || m.amname
      WHEN x.relpersistence = 'u' AND pg_is_in_recovery() THEN 'unlogged_on_standby' END AS excluded
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
    JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE x.relkind = 'i' AND ((${usersTableSql}) OR n.nspname IN ('pg_catalog', 'pg_toast') AND c.relpersistence <> 't')),
sized AS MATERIALIZED (
  SELECT *, CASE WHEN NOT locked AND excluded IS NULL THEN pg_relation_size(oid)::float8 END AS size_bytes FROM indexes),
owners AS MATERIALIZED (
  SELECT o.reltoastrelid, format('%I.%I', n.nspname, o.relname) AS quoted FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
  WHERE o.reltoastrelid <> 0),
listed AS (
SELECT x.oid, x.nspname::text AS schema, x.relname::text AS name, format('%I.%I', x.nspname, x.relname) AS quoted,
  x.table_name::text AS "table", x.amname::text AS method, x.system, x.indisexclusion AS "exclusionConstraint", x.excluded, x.locked,
  x.size_bytes AS "sizeBytes", pg_relation_filenode(x.oid)::int8::float8 AS filenode, x.reltuples::float8 AS "estimatedTuples",
  o.quoted AS "toastOf",
  CASE WHEN x.relispartition THEN (SELECT format('%I.%I', n.nspname, r.relname) FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE r.oid = pg_partition_root(x.oid)) END AS "partitionOf",
  format('REINDEX INDEX CONCURRENTLY %I.%I', x.nspname, x.relname) AS "rebuildSql",
  format('SELECT pg_catalog.gin_clean_pending_list(%L::pg_catalog.regclass)', format('%I.%I', x.nspname, x.relname)) AS "cleanPendingSql"
FROM sized x LEFT JOIN owners o ON o.reltoastrelid = x.indrelid
WHERE x.excluded IS NOT NULL OR x.locked OR x.size_bytes >= $1::float8)
SELECT current_database()::text AS database, pg_is_in_recovery() AS "inRecovery",
  (SELECT count(*)::int FROM sized WHERE size_bytes < $1::float8) AS "tooSmall",
  (SELECT coalesce(json_agg(listed ORDER BY quoted), '[]') FROM listed) AS indexes`;

const attempts = 3;

/** Somebody may lock an index between the look at pg_locks and that at its size: then everything is read again. @throws TargetError */
export async function readIndexes(reader: TargetReader, minBytes: number): Promise<IndexFacts> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const [facts] = await reader.query<IndexFacts>(indexesSql, [minBytes]);
      if (facts === undefined) throw new Error('a SELECT without FROM returned no row');
      return facts;
    } catch (error) {
      if (!(error instanceof TargetError) || error.code !== 'lock_timeout' || attempt === attempts) throw error;
    }
  }
}

import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** A table as the catalogue and the counters of the server show it. Ages are by the server's clock. */
export interface TableFacts {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** pg_class.relkind: r table, m materialised view, p partitioned table. */
  readonly relkind: string;
  /** What it is a partition or an inheritance child of, nearest first. */
  readonly ancestors: readonly number[];
  /** A foreign table is among its partitions or children: ANALYZE would sample it on its server. */
  readonly hasForeign: boolean;
  /** Somebody has or awaits an ACCESS EXCLUSIVE lock: its size was not read, that would wait. */
  readonly locked: boolean;
  /** Null when locked, and for partitioned tables, which have no storage. */
  readonly sizeBytes: number | null;
  /** By the counters, which are 0 after a crash or a reset. */
  readonly liveRows: number;
  readonly insertedRows: number;
  readonly modifiedRows: number;
  /** pg_class.reltuples: -1 = never analysed or vacuumed; of a partitioned table, never analysed. */
  readonly reltuples: number;
  /** Since the latest ANALYZE, by hand or by autovacuum; null = none the counters know of. */
  readonly hoursSinceAnalyze: number | null;
  readonly hoursSinceAutoanalyze: number | null;
  /** Whether pg_stats has rows of it (of a parent: inherited ones). Looked up only where the counters know of no ANALYZE. */
  readonly statistics: 'present' | 'absent' | 'hidden' | 'not_looked_up';
  /** The GRANT that would show hidden statistics; null where none does (row-level security). */
  readonly grant: string | null;
  /** Storage parameters autovacuum_analyze_*; null = as the server. */
  readonly threshold: number | null;
  readonly scaleFactor: number | null;
  /** Storage parameter autovacuum_enabled is off. */
  readonly autovacuumOff: boolean;
}

export interface StatisticsFacts {
  readonly serverVersion: number;
  readonly inRecovery: boolean;
  readonly tracksCounts: boolean;
  readonly autovacuum: boolean;
  /** autovacuum_analyze_threshold and _scale_factor of the server. */
  readonly threshold: number;
  readonly scaleFactor: number;
  readonly tables: readonly TableFacts[];
}

/** Reads every table of the database that is a user's. Waits for no lock. */
export async function readStatisticsFacts(reader: TargetReader): Promise<StatisticsFacts> {
  const [server] = await reader.query<Omit<StatisticsFacts, 'serverVersion' | 'tables'>>(`
SELECT pg_is_in_recovery() AS "inRecovery", current_setting('track_counts')::boolean AS "tracksCounts",
  current_setting('autovacuum')::boolean AS autovacuum,
  current_setting('autovacuum_analyze_threshold')::float8 AS threshold,
  current_setting('autovacuum_analyze_scale_factor')::float8 AS "scaleFactor"`);
  if (server === undefined) throw new Error('a SELECT without FROM returned no row');
  return {
    serverVersion: reader.serverVersion,
    ...server,
    tables: server.tracksCounts ? await reader.query<TableFacts>(tablesSql) : [],
  };
}

const option = (name: string): string =>
  `(SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = '${name}')`;

/** Materialised where the planner might otherwise measure tables that the condition leaves out, or look a table up twice. */
const tablesSql = `
WITH RECURSIVE exclusive AS MATERIALIZED (
  SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
up AS (
  SELECT i.inhrelid, i.inhparent, 1 AS depth FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'p', 'f')
  UNION ALL
  SELECT up.inhrelid, i.inhparent, up.depth + 1 FROM up JOIN pg_inherits i ON i.inhrelid = up.inhparent),
ancestors AS MATERIALIZED (
  SELECT inhrelid, array_agg(inhparent::int8::float8 ORDER BY depth, inhparent) AS ancestors FROM up GROUP BY inhrelid),
foreign_parents AS MATERIALIZED (
  SELECT DISTINCT up.inhparent FROM up JOIN pg_class f ON f.oid = up.inhrelid WHERE f.relkind = 'f'),
tables AS MATERIALIZED (
  SELECT c.*, n.nspname, c.oid IN (SELECT relation FROM exclusive) AS locked,
    greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) AS last_analyze,
    c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS has_children
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm', 'p') AND ${usersTableSql}),
seen AS MATERIALIZED (
  SELECT c.oid, CASE
      WHEN c.relkind = 'p' OR c.last_analyze IS NOT NULL THEN 'not_looked_up'
      WHEN EXISTS (SELECT FROM pg_stats s WHERE s.schemaname = c.nspname AND s.tablename = c.relname AND s.inherited = c.has_children)
        THEN 'present'
      WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'hidden'
      WHEN c.relrowsecurity AND row_security_active(c.oid) THEN 'hidden by row-level security'
      ELSE 'absent' END AS statistics
  FROM tables c)
SELECT c.oid, c.nspname::text AS schema, c.relname::text AS name, format('%I.%I', c.nspname, c.relname) AS quoted, c.relkind::text,
  coalesce(a.ancestors, '{}') AS ancestors, c.oid IN (SELECT inhparent FROM foreign_parents) AS "hasForeign", c.locked,
  CASE WHEN c.relkind <> 'p' AND NOT c.locked THEN pg_relation_size(c.oid)::float8 END AS "sizeBytes",
  pg_stat_get_live_tuples(c.oid)::float8 AS "liveRows", pg_stat_get_tuples_inserted(c.oid)::float8 AS "insertedRows",
  pg_stat_get_mod_since_analyze(c.oid)::float8 AS "modifiedRows", c.reltuples::float8 AS reltuples,
  (extract(epoch FROM now() - c.last_analyze) / 3600)::float8 AS "hoursSinceAnalyze",
  (extract(epoch FROM now() - pg_stat_get_last_autoanalyze_time(c.oid)) / 3600)::float8 AS "hoursSinceAutoanalyze",
  split_part(s.statistics, ' ', 1) AS statistics,
  CASE WHEN s.statistics = 'hidden' THEN format('GRANT SELECT ON TABLE %I.%I TO %I', c.nspname, c.relname, current_user) END AS "grant",
  ${option('autovacuum_analyze_threshold')}::float8 AS threshold,
  ${option('autovacuum_analyze_scale_factor')}::float8 AS "scaleFactor",
  coalesce(NOT ${option('autovacuum_enabled')}::boolean, false) AS "autovacuumOff"
FROM tables c JOIN seen s ON s.oid = c.oid LEFT JOIN ancestors a ON a.inhrelid = c.oid
ORDER BY c.nspname, c.relname`;

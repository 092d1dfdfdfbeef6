import { tableRightsSql } from '@slacktide/acting';
import type { FactsResult, TargetReader } from '@slacktide/application/ports';
import { resolveTables, usersTableSql } from '@slacktide/targets';
import type { StatisticsUpdateConfig } from './schema.ts';

/** A table as the catalogue and the statistics of the server show it. Ages are by the server's clock. */
export interface TableStatistics {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** pg_class.relkind: r table, m materialised view, p partitioned table. */
  readonly relkind: string;
  /** Partitioned tables above this partition, nearest first. */
  readonly ancestors: readonly number[];
  /** Null when it could not be read without waiting for a lock, and for partitioned tables, which have no storage. */
  readonly sizeBytes: number | null;
  /** By the counters; 0 after a crash, or when they were reset. */
  readonly liveRows: number;
  readonly modifiedRows: number;
  /** pg_class.reltuples: -1 = never analysed or vacuumed; of a partitioned table, never analysed. */
  readonly reltuples: number;
  /** Since the latest ANALYZE, by hand or by autovacuum; null = none the counters know of. */
  readonly hoursSinceAnalyze: number | null;
  /** Since autovacuum's latest ANALYZE; null = none the counters know of. */
  readonly hoursSinceAutoanalyze: number | null;
  /** autovacuum_analyze_* of the table; null = as the server. */
  readonly threshold: number | null;
  readonly scaleFactor: number | null;
  readonly permitted: boolean;
  readonly grant: string | null;
  /** Mean of all ANALYZE so far, which servers from 18 on count; null = unknown. */
  readonly meanSeconds: number | null;
  /** Somebody holds a lock on it now that ANALYZE would wait for. */
  readonly locked: boolean;
}

export interface StatisticsFacts {
  readonly serverVersion: number;
  /** The tables named, or else every table of the database that is a user's. */
  readonly tables: readonly TableStatistics[];
  /** The tables were named: all of them are worked on. */
  readonly named: boolean;
  readonly threshold: number;
  readonly scaleFactor: number;
  /** Bytes an ANALYZE reads at most: 300 × default_statistics_target pages. */
  readonly sampledBytes: number;
}

/** Reads what decides which tables are due. Tables under ACCESS EXCLUSIVE are not measured: that would wait for the lock. */
export async function readStatisticsFacts(
  reader: TargetReader,
  config: StatisticsUpdateConfig,
): Promise<FactsResult<StatisticsFacts>> {
  const named = config.tables.length > 0;
  const resolved = await resolveTables(reader, config.tables, '/tables');
  if (resolved.kind === 'refused') return resolved;
  const oids = resolved.tables.map(({ oid }) => oid);
  const rows = await reader.query<TableStatistics>(tablesSql(reader.serverVersion), [named, oids]);
  const order = new Map(oids.map((oid, position) => [oid, position]));
  const tables = named ? rows.toSorted((a, b) => (order.get(a.oid) ?? 0) - (order.get(b.oid) ?? 0)) : rows;
  const [settings] = await reader.query<Pick<StatisticsFacts, 'threshold' | 'scaleFactor' | 'sampledBytes'>>(`
SELECT current_setting('autovacuum_analyze_threshold')::float8 AS threshold,
  current_setting('autovacuum_analyze_scale_factor')::float8 AS "scaleFactor",
  300 * current_setting('default_statistics_target')::float8 * current_setting('block_size')::float8 AS "sampledBytes"`);
  if (settings === undefined) throw new Error('a SELECT without FROM returned no row');
  return { kind: 'facts', facts: { serverVersion: reader.serverVersion, tables, named, ...settings } };
}

const countsDurationSince = 180000;

function tablesSql(serverVersion: number): string {
  const rights = tableRightsSql(serverVersion);
  const meanSeconds =
    serverVersion >= countsDurationSince
      ? `((pg_stat_get_total_analyze_time(c.oid) + pg_stat_get_total_autoanalyze_time(c.oid)) / 1000
    / nullif(pg_stat_get_analyze_count(c.oid) + pg_stat_get_autoanalyze_count(c.oid), 0))::float8`
      : 'NULL::float8';
  const option = (name: string): string =>
    `(SELECT option_value::float8 FROM pg_options_to_table(c.reloptions) WHERE option_name = '${name}')`;
  return `
WITH locks AS MATERIALIZED (
  SELECT relation, bool_or(mode = 'AccessExclusiveLock') AS exclusive, bool_or(granted) AS granted
  FROM pg_locks
  WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  GROUP BY relation)
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  c.relkind::text,
  CASE WHEN c.relispartition THEN ARRAY(SELECT a.relid::oid::int8::float8 FROM pg_partition_ancestors(c.oid) AS a WHERE a.relid <> c.oid)
    ELSE '{}'::float8[] END AS ancestors,
  CASE WHEN c.relkind <> 'p' AND l.exclusive IS NOT TRUE THEN pg_relation_size(c.oid)::float8 END AS "sizeBytes",
  pg_stat_get_live_tuples(c.oid)::float8 AS "liveRows", pg_stat_get_mod_since_analyze(c.oid)::float8 AS "modifiedRows",
  c.reltuples::float8 AS reltuples,
  (extract(epoch FROM now() - greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)))
    / 3600)::float8 AS "hoursSinceAnalyze",
  (extract(epoch FROM now() - pg_stat_get_last_autoanalyze_time(c.oid)) / 3600)::float8 AS "hoursSinceAutoanalyze",
  ${option('autovacuum_analyze_threshold')} AS threshold, ${option('autovacuum_analyze_scale_factor')} AS "scaleFactor",
  ${rights.permitted} AS permitted, ${rights.grant} AS "grant", ${meanSeconds} AS "meanSeconds",
  coalesce(l.granted, false) AS locked
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN locks l ON l.relation = c.oid
WHERE c.relkind IN ('r', 'm', 'p')
  AND CASE WHEN $1::boolean THEN c.oid = ANY ($2::oid[]) ELSE ${usersTableSql} END
ORDER BY n.nspname, c.relname`;
}

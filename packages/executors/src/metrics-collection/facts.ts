import type { FactsResult, TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';
import type { MetricsCollectionConfig } from './schema.ts';

/** A table or index whose bloat could be measured. */
export interface Suspect {
  readonly kind: 'table' | 'index';
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** Null when it could not be read without waiting for a lock. */
  readonly sizeBytes: number | null;
  /** Why it cannot be measured; null = it can. */
  readonly obstacle: string | null;
}

/** How bloat can be measured here. */
export type Pgstattuple =
  | { readonly kind: 'usable' /** Its schema, quoted. */; readonly schema: string }
  | { readonly kind: 'unusable'; readonly reason: string /** What cures it. */; readonly grant: string };

export interface MetricsFacts {
  readonly database: string;
  /** How many tables and indexes there are to look at. */
  readonly relations: number;
  /** Whether sessions of other roles show their state. */
  readonly seesActivity: boolean;
  readonly activityGrant: string;
  readonly pgstattuple: Pgstattuple;
  /** At least `min_measured_mb`, the largest first. */
  readonly suspects: readonly Suspect[];
}

export async function readMetricsFacts(
  reader: TargetReader,
  config: MetricsCollectionConfig,
): Promise<FactsResult<MetricsFacts>> {
  const [row] = await reader.query<Pick<MetricsFacts, 'database' | 'relations' | 'seesActivity' | 'activityGrant'>>(`
SELECT current_database()::text AS database, pg_has_role('pg_read_all_stats', 'USAGE') AS "seesActivity",
  format('GRANT pg_read_all_stats TO %I', current_user) AS "activityGrant",
  (SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'm', 'i') AND ${usersTableSql}) AS relations`);
  if (row === undefined) throw new Error('a SELECT without FROM returned no row');
  const pgstattuple = await readPgstattuple(reader);
  const measures = config.bloat && pgstattuple.kind === 'usable';
  const suspects = measures ? await reader.query<Suspect>(suspectsSql, [config.min_measured_mb * 1024 * 1024]) : [];
  return { kind: 'facts', facts: { ...row, pgstattuple, suspects } };
}

async function readPgstattuple(reader: TargetReader): Promise<Pgstattuple> {
  const [extension] = await reader.query<{ schema: string; permitted: boolean; grant: string }>(`
SELECT quote_ident(n.nspname) AS schema,
  has_schema_privilege(n.oid, 'USAGE') AND bool_and(has_function_privilege(p.oid, 'EXECUTE')) AS permitted,
  concat_ws('; ', CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT bool_and(has_function_privilege(p.oid, 'EXECUTE')) THEN format('GRANT pg_stat_scan_tables TO %I', current_user) END) AS "grant"
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname IN ('pgstattuple_approx', 'pgstatindex')
WHERE e.extname = 'pgstattuple' GROUP BY n.oid, n.nspname`);
  if (extension === undefined) {
    return { kind: 'unusable', reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' };
  }
  const { schema, permitted, grant } = extension;
  return permitted ? { kind: 'usable', schema } : { kind: 'unusable', reason: 'insufficient_privilege', grant };
}

/** Both functions would wait for an exclusive lock; pgstatindex fails on an index that is invalid or no btree. */
const suspectsSql = `
WITH exclusive AS MATERIALIZED (
  SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
candidates AS MATERIALIZED (
  SELECT c.oid, n.nspname, c.relname, c.relkind,
    CASE WHEN c.oid IN (SELECT relation FROM exclusive) OR i.indrelid IN (SELECT relation FROM exclusive) THEN 'locked'
      WHEN m.amname NOT IN ('heap', 'btree') THEN 'no_measure_for ' || m.amname
      WHEN NOT i.indisvalid THEN 'invalid_index' END AS obstacle
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = c.relam
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
  WHERE ${usersTableSql} AND c.relkind IN ('r', 'm', 'i')),
sized AS MATERIALIZED (
  SELECT *, CASE WHEN obstacle IS DISTINCT FROM 'locked' THEN pg_relation_size(oid)::float8 END AS size_bytes FROM candidates)
SELECT CASE WHEN relkind = 'i' THEN 'index' ELSE 'table' END AS kind, oid, nspname::text AS schema, relname::text AS name,
  format('%I.%I', nspname, relname) AS quoted, size_bytes AS "sizeBytes", obstacle
FROM sized WHERE size_bytes IS NULL OR size_bytes >= $1::float8
ORDER BY size_bytes DESC NULLS LAST, quoted`;

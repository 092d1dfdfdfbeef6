import { usersTableSql } from '@slacktide/targets';
import type { Suspect } from './facts.ts';

/** Size, raw counters since `stats_reset` (a delta over a reset means nothing), and the age of transaction ids. */
export const databaseStatement = `
SELECT pg_database_size(current_database())::float8 AS size_bytes, d.xact_commit::float8, d.xact_rollback::float8,
  d.blks_read::float8, d.blks_hit::float8, d.blks_hit::float8 / nullif(d.blks_hit + d.blks_read, 0) AS hit_ratio,
  d.tup_returned::float8, d.tup_fetched::float8, d.tup_inserted::float8, d.tup_updated::float8, d.tup_deleted::float8,
  d.temp_files::float8, d.temp_bytes::float8, d.deadlocks::float8, d.conflicts::float8, d.checksum_failures::float8,
  d.stats_reset::text, pg_postmaster_start_time()::text AS postmaster_start,
  age(p.datfrozenxid) AS xid_age, mxid_age(p.datminmxid) AS multixact_age,
  (SELECT max(age(datfrozenxid)) FROM pg_database) AS cluster_xid_age,
  current_setting('autovacuum_freeze_max_age')::float8 AS freeze_max_age
FROM pg_stat_database d JOIN pg_database p ON p.oid = d.datid
WHERE p.datname = current_database()`.trim();

/** Sessions by state. Without pg_read_all_stats the states of other roles' sessions are null and counted as `hidden`. */
export const activityStatement = `
SELECT count(*)::int AS total, count(*) FILTER (WHERE state = 'active')::int AS active,
  count(*) FILTER (WHERE state = 'idle')::int AS idle,
  count(*) FILTER (WHERE state = 'idle in transaction')::int AS idle_in_transaction,
  count(*) FILTER (WHERE state = 'idle in transaction (aborted)')::int AS idle_in_transaction_aborted,
  count(*) FILTER (WHERE state IS NULL)::int AS hidden,
  count(*) FILTER (WHERE wait_event_type = 'Lock')::int AS waiting_for_lock,
  (SELECT count(*)::int FROM pg_prepared_xacts WHERE database = current_database()) AS prepared_transactions,
  extract(epoch FROM max(now() - xact_start))::float8 AS oldest_transaction_seconds,
  max(age(backend_xmin)) AS oldest_xmin_age, current_setting('max_connections')::int AS max_connections,
  (SELECT sum(numbackends)::int FROM pg_stat_database) AS server_connections
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND (backend_type = 'client backend' OR backend_type IS NULL)`.trim();

/** The largest tables: sizes, rows, use. `filenode` changes when a table is rewritten: a trend starts anew there. */
export function tablesStatement(limit: number): string {
  return `
WITH ${exclusiveLocks},
tables AS MATERIALIZED (
  SELECT c.*, n.nspname, c.oid IN (SELECT relation FROM exclusive) AS locked
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND ${usersTableSql})
SELECT format('%I.%I', c.nspname, c.relname) AS object, c.locked, s.heap_bytes, s.table_bytes, s.index_bytes,
  s.table_bytes + s.index_bytes AS total_bytes, pg_relation_filenode(c.oid)::int8::float8 AS filenode,
  c.reltuples::float8 AS estimated_rows,
  pg_stat_get_live_tuples(c.oid)::float8 AS live_rows, pg_stat_get_dead_tuples(c.oid)::float8 AS dead_rows,
  pg_stat_get_mod_since_analyze(c.oid)::float8 AS modified_rows, pg_stat_get_numscans(c.oid)::float8 AS seq_scans,
  pg_stat_get_tuples_returned(c.oid)::float8 AS seq_rows_read, pg_stat_get_tuples_inserted(c.oid)::float8 AS rows_inserted,
  pg_stat_get_tuples_updated(c.oid)::float8 AS rows_updated, pg_stat_get_tuples_deleted(c.oid)::float8 AS rows_deleted,
  pg_stat_get_tuples_hot_updated(c.oid)::float8 AS rows_hot_updated, age(c.relfrozenxid) AS xid_age
FROM tables c, LATERAL (SELECT
    CASE WHEN NOT c.locked THEN pg_relation_size(c.oid)::float8 END AS heap_bytes,
    CASE WHEN NOT c.locked THEN pg_table_size(c.oid)::float8 END AS table_bytes,
    CASE WHEN NOT c.locked THEN pg_indexes_size(c.oid)::float8 END AS index_bytes) s
ORDER BY c.locked DESC, total_bytes DESC, object LIMIT ${limit}`.trim();
}

/** The largest indexes: sizes and use. `filenode` changes with every rebuild. */
export function indexesStatement(limit: number): string {
  return `
WITH ${exclusiveLocks},
indexes AS MATERIALIZED (
  SELECT c.*, n.nspname, i.indrelid, i.indisvalid,
    c.oid IN (SELECT relation FROM exclusive) OR i.indrelid IN (SELECT relation FROM exclusive) AS locked
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid
  WHERE c.relkind = 'i' AND ${usersTableSql})
SELECT format('%I.%I', c.nspname, c.relname) AS object, c.locked, format('%I.%I', tn.nspname, t.relname) AS "table",
  CASE WHEN NOT c.locked THEN pg_relation_size(c.oid)::float8 END AS size_bytes,
  pg_relation_filenode(c.oid)::int8::float8 AS filenode, c.reltuples::float8 AS estimated_rows,
  pg_stat_get_numscans(c.oid)::float8 AS scans, pg_stat_get_tuples_returned(c.oid)::float8 AS entries_read,
  pg_stat_get_tuples_fetched(c.oid)::float8 AS rows_fetched, c.indisvalid AS valid, m.amname::text AS method
FROM indexes c JOIN pg_class t ON t.oid = c.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_am m ON m.oid = c.relam
ORDER BY c.locked DESC, size_bytes DESC, object LIMIT ${limit}`.trim();
}

/** Reading the size of an object under ACCESS EXCLUSIVE would wait for the lock: such rows come first, without sizes. */
const exclusiveLocks = `exclusive AS MATERIALIZED (
  SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;

/** `schema` is where pgstattuple lives, quoted. The object is named by OID: a number needs no quoting. */
export function bloatStatement({ kind, oid }: Pick<Suspect, 'kind' | 'oid'>, schema: string): string {
  return kind === 'table' ? tableBloatStatement(oid, schema) : indexBloatStatement(oid, schema);
}

/** Reads only the pages that are not all-visible, and takes the free space map's word for the others. */
function tableBloatStatement(oid: number, schema: string): string {
  return `
SELECT a.table_len::float8 AS size_bytes, a.scanned_percent::float8, a.approx_tuple_count::float8 AS live_rows,
  a.dead_tuple_count::float8 AS dead_rows, a.dead_tuple_percent::float8 AS dead_percent,
  a.approx_free_percent::float8 AS free_percent, ${fillfactor(100)}
FROM pg_class c CROSS JOIN LATERAL ${schema}.pgstattuple_approx(c.oid) AS a WHERE c.oid = ${oid}`.trim();
}

function indexBloatStatement(oid: number, schema: string): string {
  return `
SELECT x.index_size::float8 AS size_bytes, x.tree_level, x.leaf_pages::float8, x.internal_pages::float8,
  x.empty_pages::float8, x.deleted_pages::float8, nullif(x.avg_leaf_density, 'NaN') AS leaf_density_percent,
  x.index_size::float8 / current_setting('block_size')::float8 AS pages, ${fillfactor(90)}
FROM pg_class c CROSS JOIN LATERAL ${schema}.pgstatindex(c.oid::regclass) AS x WHERE c.oid = ${oid}`.trim();
}

/** Heaps fill their pages, btree leaves are packed to 90 %, unless the storage parameter says otherwise. */
function fillfactor(byDefault: number): string {
  return `coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), ${byDefault}) AS fillfactor`;
}

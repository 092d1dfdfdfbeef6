import {
  type NodeObservation,
  type ObjectReading,
  type ObservedKind,
  TargetError,
  type TargetReader,
} from '@slacktide/application/ports';
import { usersTableSql } from './users-objects.ts';

/**
 * Reads the counters and sizes of everything that is watched over time on one node, in one statement a kind. A relation under ACCESS EXCLUSIVE
 * is read without its size, which would wait for the lock.
 */
export async function readNode(reader: TargetReader, node: string): Promise<NodeObservation> {
  const [epoch] = await reader.query<{ epoch: string }>(epochSql);
  if (epoch === undefined) throw new Error('expected the row of our own database in pg_stat_database');
  const readings = [
    ...toReadings('cluster', await reader.query(clusterSql)),
    ...toReadings('database', await readDatabase(reader)),
    ...toReadings('table', await readWithSizes(reader, tablesSql)),
    ...toReadings('index', await readWithSizes(reader, indexesSql)),
    ...toReadings('sequence', await reader.query(sequencesSql)),
  ];
  return { node, epoch: epoch.epoch, readings, complete: ['cluster', 'database', 'table', 'index', 'sequence'] };
}

type Row = Readonly<Record<string, string | number | null>>;

/** Columns that begin with `c_` are counters, those with `g_` gauges; what is null was not seen. */
function toReadings(kind: ObservedKind, rows: readonly Row[]): ObjectReading[] {
  return rows.map((row) => ({
    kind,
    oid: Number(row['oid']),
    name: String(row['name']),
    filenode: row['filenode'] === null || row['filenode'] === undefined ? null : Number(row['filenode']),
    counters: figures(row, 'c_'),
    gauges: figures(row, 'g_'),
  }));
}

function figures(row: Row, prefix: string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(row).flatMap(([column, value]) =>
      column.startsWith(prefix) && value !== null ? [[column.slice(prefix.length), Number(value)]] : [],
    ),
  );
}

/** The size of a database may be hidden from the role; the rest is not. */
async function readDatabase(reader: TargetReader): Promise<Row[]> {
  try {
    return await reader.query<Row>(databaseSql('pg_database_size(d.oid)::float8'));
  } catch (error) {
    if (!(error instanceof TargetError && error.code === 'insufficient_privilege')) throw error;
    return await reader.query<Row>(databaseSql('NULL::float8'));
  }
}

/** A lock may come between the look at the locks and the look at a size: then all sizes are left out this time. */
async function readWithSizes(reader: TargetReader, sql: (withSizes: boolean) => string): Promise<Row[]> {
  try {
    return await reader.query<Row>(sql(true));
  } catch (error) {
    if (!(error instanceof TargetError && error.code === 'lock_timeout')) throw error;
    return await reader.query<Row>(sql(false));
  }
}

/**
 * A crash loses all counters, though the server's start time stays: then, and only then, those of the whole server are all reset at once. The
 * earliest of them leaves out who resets one of them by hand.
 */
const epochSql = `
SELECT concat_ws(' ', pg_postmaster_start_time(), CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
  least(b.stats_reset, a.stats_reset, w.stats_reset), coalesce(d.stats_reset::text, 'never reset')) AS epoch
FROM pg_stat_database d, pg_stat_bgwriter b, pg_stat_archiver a, pg_stat_wal w WHERE d.datname = current_database()`;

const clusterSql = `
SELECT 0 AS oid, 'cluster' AS name, NULL AS filenode,
  CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 END AS c_wal_bytes,
  (SELECT max(age(datfrozenxid))::float8 FROM pg_database) AS g_xid_age,
  (SELECT max(mxid_age(datminmxid))::float8 FROM pg_database) AS g_multixact_age`;

const databaseSql = (size: string) => `
SELECT d.oid::int8::float8 AS oid, d.datname::text AS name, NULL AS filenode,
  s.xact_commit::float8 AS c_commits, s.xact_rollback::float8 AS c_rollbacks, s.blks_read::float8 AS c_blocks_read,
  s.blks_hit::float8 AS c_blocks_hit, s.tup_returned::float8 AS c_rows_returned, s.tup_fetched::float8 AS c_rows_fetched,
  s.tup_inserted::float8 AS c_rows_inserted, s.tup_updated::float8 AS c_rows_updated, s.tup_deleted::float8 AS c_rows_deleted,
  s.temp_bytes::float8 AS c_temp_bytes, s.deadlocks::float8 AS c_deadlocks,
  ${size} AS g_size_bytes, age(d.datfrozenxid)::float8 AS g_xid_age, mxid_age(d.datminmxid)::float8 AS g_multixact_age
FROM pg_database d JOIN pg_stat_database s ON s.datid = d.oid WHERE d.datname = current_database()`;

/** Relations that somebody has, or waits to have, for himself alone. */
const exclusive = `exclusive AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;

const tablesSql = (withSizes: boolean) => `
WITH ${exclusive}
SELECT c.oid::int8::float8 AS oid, n.nspname || '.' || c.relname AS name, nullif(c.relfilenode, 0)::int8::float8 AS filenode,
  pg_stat_get_numscans(c.oid)::float8 AS c_seq_scans, pg_stat_get_tuples_returned(c.oid)::float8 AS c_seq_rows_read,
  pg_stat_get_tuples_inserted(c.oid)::float8 AS c_rows_inserted, pg_stat_get_tuples_updated(c.oid)::float8 AS c_rows_updated,
  pg_stat_get_tuples_deleted(c.oid)::float8 AS c_rows_deleted, pg_stat_get_tuples_hot_updated(c.oid)::float8 AS c_rows_hot_updated,
  pg_stat_get_live_tuples(c.oid)::float8 AS g_live_rows, pg_stat_get_dead_tuples(c.oid)::float8 AS g_dead_rows,
  greatest(c.reltuples, 0)::float8 AS g_estimated_rows, CASE WHEN c.relfrozenxid <> '0'::xid THEN age(c.relfrozenxid)::float8 END AS g_xid_age,
  ${withSizes ? 'CASE WHEN x.relation IS NULL THEN pg_relation_size(c.oid)::float8 END' : 'NULL::float8'} AS g_size_bytes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN exclusive x ON x.relation = c.oid
WHERE c.relkind IN ('r', 'm') AND ${usersTableSql}`;

/** Type of an integer column → its largest value: what a sequence may give and its column not hold is of no use. */
const sequencesSql = `
SELECT c.oid::int8::float8 AS oid, n.nspname || '.' || c.relname AS name, NULL AS filenode,
  100 * (v.last - s.seqstart)::float8 / nullif(CASE WHEN s.seqincrement > 0
    THEN least(s.seqmax, (SELECT CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END
        FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') LIMIT 1))
    ELSE s.seqmin END - s.seqstart, 0)::float8 AS g_used_percent
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT CASE WHEN has_sequence_privilege(c.oid, 'SELECT, USAGE') AND NOT pg_is_in_recovery()
    THEN pg_sequence_last_value(c.oid)::numeric END AS last) v
WHERE NOT s.seqcycle AND ${usersTableSql}`;

const indexesSql = (withSizes: boolean) => `
WITH ${exclusive}
SELECT ic.oid::int8::float8 AS oid, n.nspname || '.' || ic.relname AS name, nullif(ic.relfilenode, 0)::int8::float8 AS filenode,
  pg_stat_get_numscans(ic.oid)::float8 AS c_scans, pg_stat_get_tuples_returned(ic.oid)::float8 AS c_entries_read,
  pg_stat_get_tuples_fetched(ic.oid)::float8 AS c_rows_fetched, pg_stat_get_blocks_fetched(ic.oid)::float8 AS c_blocks_fetched,
  greatest(ic.reltuples, 0)::float8 AS g_estimated_rows,
  ${withSizes ? 'CASE WHEN x.relation IS NULL AND xt.relation IS NULL THEN pg_relation_size(ic.oid)::float8 END' : 'NULL::float8'} AS g_size_bytes
FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN exclusive x ON x.relation = ic.oid LEFT JOIN exclusive xt ON xt.relation = c.oid
WHERE ic.relkind = 'i' AND ${usersTableSql}`;

import { type Standby, TargetError, type TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** Counters of one table since they were last reset. */
export interface TableCounters {
  readonly oid: number;
  readonly reads: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly hotUpdated: number;
  /** Updates whose new row had to go to another page; null before 16, which does not count them. */
  readonly newPageUpdated: number | null;
}

export interface TableFacts extends TableCounters {
  /** Of the topmost partitioned table that it is a partition of, else its own. */
  readonly schema: string;
  readonly name: string;
  readonly isPartition: boolean;
  readonly indexes: number;
  readonly fillfactor: number;
}

/** What was read on a standby, or why that could not be told. */
type StandbyReads =
  | { readonly name: string; readonly kind: 'reads'; readonly statsReset: string; readonly reads: number }
  | { readonly name: string; readonly kind: 'unreadable'; readonly reason: string };

export interface WorkloadFacts {
  readonly database: string;
  /** As the server prints it; empty = never, or lost in a crash. */
  readonly statsReset: string;
  readonly blocksHit: number;
  readonly blocksRead: number;
  /** Standbys, or others, that receive WAL from this server. */
  readonly standbysStreaming: number;
  readonly tables: readonly TableFacts[];
  readonly standbys: readonly StandbyReads[];
}

/** Everybody may read these counters, and nothing of it opens a relation. */
export async function readWorkloadFacts(reader: TargetReader, standbys: readonly Standby[]): Promise<WorkloadFacts> {
  const [server] = await reader.query<Omit<WorkloadFacts, 'tables' | 'standbys'>>(serverSql);
  if (server === undefined) throw new Error('expected the row of our own database in pg_stat_database');
  return {
    ...server,
    tables: await reader.query<TableFacts>(tablesSql(reader.serverVersion)),
    standbys: await Promise.all(standbys.map(readStandby)),
  };
}

async function readStandby({ name, read }: Standby): Promise<StandbyReads> {
  try {
    const [row] = await read((reader) => reader.query<{ statsReset: string; reads: number }>(readsSql));
    if (row === undefined) throw new Error('an aggregate returned no row');
    return { name, kind: 'reads', ...row };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    return { name, kind: 'unreadable', reason: `the standby could not be read: ${error.message}` };
  }
}

const statsReset = `coalesce((SELECT stats_reset::text FROM pg_stat_database WHERE datname = current_database()), '')`;

const serverSql = `
SELECT datname::text AS database, ${statsReset} AS "statsReset", blks_hit::float8 AS "blocksHit", blks_read::float8 AS "blocksRead",
  (SELECT count(*)::int FROM pg_stat_replication) AS "standbysStreaming"
FROM pg_stat_database WHERE datname = current_database()`;

/** Index-only scans fetch no rows, and bitmap scans fetch fewer rows than index entries: the larger number has both. */
const readsOf = `(pg_stat_get_tuples_returned(c.oid)
    + greatest(coalesce(i.entries, 0), coalesce(i.fetched, 0) + pg_stat_get_tuples_fetched(c.oid)))::float8`;

const fromTables = `
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN (SELECT indrelid, count(*)::int AS indexes, sum(pg_stat_get_tuples_returned(indexrelid)) AS entries,
    sum(pg_stat_get_tuples_fetched(indexrelid)) AS fetched FROM pg_index GROUP BY indrelid) i ON i.indrelid = c.oid`;

/** OIDs are the same on a standby. */
const readsSql = `
SELECT ${statsReset} AS "statsReset", coalesce(sum(${readsOf}), 0) AS reads ${fromTables}
WHERE c.relkind IN ('r', 'm') AND ${usersTableSql}`;

const countsNewPagesSince = 160000;

function tablesSql(serverVersion: number): string {
  const newPage =
    serverVersion >= countsNewPagesSince ? 'pg_stat_get_tuples_newpage_updated(c.oid)::float8' : 'NULL::float8';
  return `
SELECT c.oid, coalesce(rn.nspname, n.nspname)::text AS schema, coalesce(r.relname, c.relname)::text AS name,
  c.relispartition AS "isPartition", ${readsOf} AS reads, pg_stat_get_tuples_inserted(c.oid)::float8 AS inserted,
  pg_stat_get_tuples_updated(c.oid)::float8 AS updated, pg_stat_get_tuples_deleted(c.oid)::float8 AS deleted,
  pg_stat_get_tuples_hot_updated(c.oid)::float8 AS "hotUpdated", ${newPage} AS "newPageUpdated",
  coalesce(i.indexes, 0) AS indexes,
  coalesce((SELECT option_value::int FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100) AS fillfactor
${fromTables}
  LEFT JOIN pg_class r ON c.relispartition AND r.oid = pg_partition_root(c.oid) LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
WHERE c.relkind IN ('r', 'm') AND ${usersTableSql}
ORDER BY schema, name, c.oid`;
}

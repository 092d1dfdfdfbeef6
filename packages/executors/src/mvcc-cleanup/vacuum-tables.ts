import { tableRightsSql } from '@slacktide/acting';
import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** Counters and ages of a heap, which a table has one of and its TOAST table another. */
export interface HeapFacts {
  readonly liveRows: number;
  readonly deadRows: number;
  readonly insertedRows: number;
  /** pg_class.reltuples; -1 = unknown. */
  readonly reltuples: number;
  /** Share of its pages that are not frozen yet, 0 to 1; servers before 18 do not know and count all. */
  readonly unfrozenShare: number;
  readonly xidAge: number;
  readonly multixactAge: number;
  /** Since the latest VACUUM, by hand or by autovacuum; null = none the counters know of. */
  readonly secondsSinceVacuum: number | null;
  /** VACUUM by hand, VACUUM FULL not counted. */
  readonly lastVacuum: string | null;
  readonly vacuumCount: number;
  /** Storage parameters by name; null = none set. */
  readonly options: Readonly<Record<string, string>> | null;
}

export interface VacuumTable extends HeapFacts {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  readonly database: string;
  readonly toast: HeapFacts | null;
  /** Heap and TOAST; null when it could not be read without waiting for a lock. */
  readonly tableBytes: number | null;
  readonly indexBytes: number | null;
  /** Changes when VACUUM FULL rewrote the table. */
  readonly filenode: number;
  readonly lastAnalyze: string | null;
  readonly permitted: boolean;
  readonly grant: string | null;
  /** Mean of all VACUUM so far, which servers from 18 on count; null = unknown. */
  readonly meanSeconds: number | null;
  /** Somebody holds a lock on it now that VACUUM would wait for. */
  readonly locked: boolean;
}

/** One table as it is now; undefined when it is gone. */
export async function readVacuumTable(reader: TargetReader, oid: number): Promise<VacuumTable | undefined> {
  const [table] = await readVacuumTables(reader, true, [oid]);
  return table;
}

/**
 * Every table that is a user's, and any other whose transaction ids are late: it ages the database just as much; or those of `oids`, with the leaves in
 * place of a partitioned table.
 */
export function readVacuumTables(
  reader: TargetReader,
  named: boolean,
  oids: readonly number[],
): Promise<VacuumTable[]> {
  return reader.query<VacuumTable>(tablesSql(reader.serverVersion), [named, oids]);
}

/** Heap, TOAST and indexes; null = unknown. */
export function totalBytes({ tableBytes, indexBytes }: VacuumTable): number | null {
  return tableBytes === null || indexBytes === null ? null : tableBytes + indexBytes;
}

const since18 = 180000;

/** HeapFacts of the pg_class row `alias`. */
function heapColumns(alias: string, serverVersion: number): readonly (readonly [key: keyof HeapFacts, sql: string])[] {
  const unfrozen =
    serverVersion >= since18
      ? `CASE WHEN ${alias}.relpages > 0 THEN 1 - least(${alias}.relallfrozen, ${alias}.relpages)::float8 / ${alias}.relpages ELSE 1 END`
      : '1';
  return [
    ['liveRows', `pg_stat_get_live_tuples(${alias}.oid)::float8`],
    ['deadRows', `pg_stat_get_dead_tuples(${alias}.oid)::float8`],
    ['insertedRows', `pg_stat_get_ins_since_vacuum(${alias}.oid)::float8`],
    ['reltuples', `${alias}.reltuples::float8`],
    ['unfrozenShare', `(${unfrozen})::float8`],
    ['xidAge', `age(${alias}.relfrozenxid)`],
    ['multixactAge', `mxid_age(${alias}.relminmxid)`],
    [
      'secondsSinceVacuum',
      `extract(epoch FROM now() - greatest(pg_stat_get_last_vacuum_time(${alias}.oid), pg_stat_get_last_autovacuum_time(${alias}.oid)))::float8`,
    ],
    ['lastVacuum', `pg_stat_get_last_vacuum_time(${alias}.oid)::text`],
    ['vacuumCount', `pg_stat_get_vacuum_count(${alias}.oid)::float8`],
    ['options', `(SELECT jsonb_object_agg(option_name, option_value) FROM pg_options_to_table(${alias}.reloptions))`],
  ];
}

/** A catalogue, or a table of an extension, that is due for its age. Temporary tables are their sessions' own: nobody else can vacuum them. */
const lateSql = `c.relpersistence <> 't' AND n.nspname !~ '^pg_(toast|temp)'
    AND (greatest(age(c.relfrozenxid), age(t.relfrozenxid)) > current_setting('autovacuum_freeze_max_age')::int
      OR greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) > current_setting('autovacuum_multixact_freeze_max_age')::int)`;

function tablesSql(serverVersion: number): string {
  const rights = tableRightsSql(serverVersion);
  const heap = heapColumns('c', serverVersion).map(([key, sql]) => `${sql} AS "${key}"`);
  const toast = heapColumns('t', serverVersion).map(([key, sql]) => `'${key}', ${sql}`);
  const meanSeconds =
    serverVersion >= since18
      ? `((pg_stat_get_total_vacuum_time(c.oid) + pg_stat_get_total_autovacuum_time(c.oid)) / 1000
    / nullif(pg_stat_get_vacuum_count(c.oid) + pg_stat_get_autovacuum_count(c.oid), 0))::float8`
      : 'NULL::float8';
  return `
WITH locks AS MATERIALIZED (
  SELECT relation, bool_or(mode = 'AccessExclusiveLock') AS exclusive, bool_or(granted) AS granted
  FROM pg_locks
  WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  GROUP BY relation)
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  current_database()::text AS database, pg_relation_filenode(c.oid) AS filenode,
  pg_stat_get_last_analyze_time(c.oid)::text AS "lastAnalyze",
  ${heap.join(',\n  ')},
  CASE WHEN t.oid IS NOT NULL THEN jsonb_build_object(${toast.join(',\n    ')}) END AS toast,
  CASE WHEN l.exclusive IS NOT TRUE THEN pg_table_size(c.oid)::float8 END AS "tableBytes",
  CASE WHEN l.exclusive IS NOT TRUE THEN pg_indexes_size(c.oid)::float8 END AS "indexBytes",
  ${rights.permitted} AS permitted, ${rights.grant} AS "grant", ${meanSeconds} AS "meanSeconds",
  coalesce(l.granted, false) AS locked
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class t ON t.oid = c.reltoastrelid LEFT JOIN locks l ON l.relation = c.oid
WHERE c.relkind IN ('r', 'm')
  AND CASE WHEN NOT $1::boolean THEN (${usersTableSql}) OR (${lateSql})
    ELSE c.oid = ANY ($2::oid[])
      OR c.relispartition AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) AS a WHERE a.relid = ANY ($2::oid[])) END
ORDER BY n.nspname, c.relname`;
}

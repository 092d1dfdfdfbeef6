import { tableRightsSql } from '@slacktide/acting';
import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** A table or materialized view as the catalogue shows it. */
export interface CompactTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** pg_class.relkind: r table, m materialised view. */
  readonly relkind: string;
  /** Written to the write-ahead log, so that pg_repack can copy it. */
  readonly logged: boolean;
  /** Changes when the table is rewritten. */
  readonly filenode: number;
  /** Name of its TOAST table; null = it has none. */
  readonly toast: string | null;
  /** Heap, TOAST and indexes; null when they could not be read without waiting for a lock. */
  readonly tableBytes: number | null;
  readonly indexBytes: number | null;
  /** OIDs, which a rewrite keeps. */
  readonly validIndexes: readonly number[];
  /** `schema.name` each, quoted by the server. */
  readonly invalidIndexes: readonly string[];
  /** A primary key, or a unique one of columns that are never null. */
  readonly hasKey: boolean;
  /** What pg_repack makes on and for a table while it works. */
  readonly repackObjects: readonly string[];
  /** VACUUM by hand, VACUUM FULL not counted. */
  readonly lastVacuum: string | null;
  readonly vacuumCount: number;
  readonly permitted: boolean;
  readonly grant: string | null;
}

/** Every table of users; or those of `oids`, with the leaves in place of a partitioned table. */
export function readCompactTables(
  reader: TargetReader,
  named: boolean,
  oids: readonly number[],
): Promise<CompactTable[]> {
  return reader.query<CompactTable>(tablesSql(reader.serverVersion), [named, oids]);
}

/** One table as it is now; undefined when it is gone. */
export async function readCompactTable(reader: TargetReader, oid: number): Promise<CompactTable | undefined> {
  const [table] = await readCompactTables(reader, true, [oid]);
  return table;
}

/** Heap, TOAST and indexes; null = unknown. */
export function totalBytes({ tableBytes, indexBytes }: CompactTable): number | null {
  return tableBytes === null || indexBytes === null ? null : tableBytes + indexBytes;
}

/** The names pg_repack gives them are made of the table's OID: lib/repack.c, repack_drop(). */
const repackObjectsSql = `ARRAY(
  SELECT format('trigger repack_trigger on %I.%I', n.nspname, c.relname) FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'repack_trigger'
  UNION ALL SELECT format('%I.%I', rn.nspname, r.relname) FROM pg_class r JOIN pg_namespace rn ON rn.oid = r.relnamespace
    WHERE rn.nspname = 'repack' AND r.relname IN ('log_' || c.oid, 'table_' || c.oid, 'pk_' || c.oid))`;

function tablesSql(serverVersion: number): string {
  const rights = tableRightsSql(serverVersion);
  const unusable = 'NOT (i.indisvalid AND i.indisready AND i.indislive)';
  return `
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted, c.relkind::text,
  c.relpersistence = 'p' AS logged, pg_relation_filenode(c.oid)::int8::float8 AS filenode, t.relname::text AS toast,
  CASE WHEN l.relation IS NULL THEN pg_table_size(c.oid)::float8 END AS "tableBytes",
  CASE WHEN l.relation IS NULL THEN pg_indexes_size(c.oid)::float8 END AS "indexBytes",
  ARRAY(SELECT i.indexrelid::int8::float8 FROM pg_index i WHERE i.indrelid = c.oid AND NOT (${unusable}) ORDER BY 1) AS "validIndexes",
  ARRAY(SELECT format('%I.%I', n.nspname, x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
    WHERE i.indrelid = c.oid AND ${unusable} ORDER BY 1) AS "invalidIndexes",
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attnotnull
      AND a.attnum = ANY ((string_to_array(i.indkey::text, ' ')::int2[])[1:i.indnkeyatts]))) AS "hasKey",
  ${repackObjectsSql} AS "repackObjects",
  pg_stat_get_last_vacuum_time(c.oid)::text AS "lastVacuum", pg_stat_get_vacuum_count(c.oid)::float8 AS "vacuumCount",
  ${rights.permitted} AS permitted, ${rights.grant} AS "grant"
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
  LEFT JOIN locked l ON l.relation = c.oid
WHERE c.relkind IN ('r', 'm')
  AND CASE WHEN NOT $1::boolean THEN ${usersTableSql}
    ELSE c.oid = ANY ($2::oid[])
      OR c.relispartition AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) AS a WHERE a.relid = ANY ($2::oid[])) END
ORDER BY n.nspname, c.relname`;
}

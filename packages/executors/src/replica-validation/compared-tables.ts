import type { TargetReader } from '@slacktide/application/ports';

/** A table whose rows are to be compared. */
export interface ComparedTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** About, as VACUUM left it: of partitioned tables all leaves. */
  readonly sizeBytes: number;
  /** Counts and hashes its rows, whatever their order. */
  readonly digest: string;
  /** Why its rows are not read; null = they can be. */
  readonly obstacle: string | null;
  readonly grant: string | null;
}

/** Row security would hide rows, and run what somebody defined with our rights; rows of foreign tables are elsewhere. */
const tablesSql = `
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  tree.pages * current_setting('block_size')::float8 AS "sizeBytes",
  format('SELECT count(*)::text AS rows, coalesce(sum(hashtextextended((t.*)::text, 0)::numeric), 0)::text AS hash FROM %I.%I AS t',
    n.nspname, c.relname) AS digest,
  CASE WHEN row_security_active(c.oid) THEN 'row_security' WHEN tree.foreign THEN 'foreign_table'
    WHEN NOT (may.use AND may.select) THEN 'insufficient_privilege' END AS obstacle,
  nullif(concat_ws('; ', CASE WHEN NOT may.use THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT may.select THEN format('GRANT SELECT ON TABLE %I.%I TO %I', n.nspname, c.relname, current_user) END), '') AS grant
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT has_schema_privilege(n.oid, 'USAGE') AS use, has_table_privilege(c.oid, 'SELECT') AS select) AS may
CROSS JOIN LATERAL (
  SELECT sum(greatest(p.relpages, 0))::float8 AS pages, bool_or(p.relkind = 'f') AS foreign
  FROM pg_class p WHERE p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid))) AS tree
WHERE c.oid = ANY ($1::oid[]) ORDER BY n.nspname, c.relname`;

export function readComparedTables(reader: TargetReader, oids: readonly number[]): Promise<ComparedTable[]> {
  return reader.query<ComparedTable>(tablesSql, [oids]);
}

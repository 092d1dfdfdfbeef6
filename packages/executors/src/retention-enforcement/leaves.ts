import type { TargetReader } from '@slacktide/application/ports';

/** A table rows are deleted from: the one named, or a leaf of it. */
export interface LeafRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  readonly relkind: string;
  /** Null while somebody holds ACCESS EXCLUSIVE on it. */
  readonly sizeBytes: number | null;
  /** A valid btree index of all rows leads with the column. */
  readonly indexed: boolean;
  /** Policies would hide rows from us. */
  readonly rowSecurity: boolean;
  /** A rule of the old kind changes what DELETE does. */
  readonly hasDeleteRule: boolean;
  /** Triggers that fire for our deletes. */
  readonly triggers: readonly string[];
  readonly permitted: boolean;
  readonly grant: string | null;
}

/** UPDATE too: without it rows cannot be locked, and so not skipped when somebody else has them. */
const rightsSql = `has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE')
    AND has_table_privilege(c.oid, 'DELETE')`;

/** $1 the table, $2 the column; $3 = only the table itself. */
const leavesSql = `
WITH RECURSIVE tree (relid) AS (
  SELECT $1::oid UNION ALL
  SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.relid JOIN pg_class k ON k.oid = i.inhrelid
  WHERE k.relispartition AND NOT $3::boolean)
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted, c.relkind::text AS relkind,
  CASE WHEN NOT EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.relation = c.oid AND l.mode = 'AccessExclusiveLock'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) THEN pg_total_relation_size(c.oid)::float8 END AS "sizeBytes",
  EXISTS (SELECT FROM pg_index x JOIN pg_class xc ON xc.oid = x.indexrelid JOIN pg_am m ON m.oid = xc.relam
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname::text = $2::text
    WHERE x.indrelid = c.oid AND m.amname = 'btree' AND x.indisvalid AND x.indisready AND x.indpred IS NULL AND x.indkey[0] = a.attnum) AS indexed,
  row_security_active(c.oid) AS "rowSecurity",
  EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.ev_type = '4') AS "hasDeleteRule",
  ARRAY(SELECT tgname::text FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A') AND g.tgtype & 8 = 8
    ORDER BY tgname) AS triggers,
  ${rightsSql} AS permitted,
  nullif(concat_ws('; ', CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT (${rightsSql}) THEN format('GRANT SELECT, UPDATE, DELETE ON TABLE %I.%I TO %I', n.nspname, c.relname, current_user) END), '') AS "grant"
FROM tree JOIN pg_class c ON c.oid = tree.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind <> 'p' ORDER BY c.oid`;

/** All tables with rows of their own that are the table or its partitions. */
export function readLeaves(reader: TargetReader, tableOid: number, columnName: string): Promise<LeafRow[]> {
  return reader.query<LeafRow>(leavesSql, [tableOid, columnName, false]);
}

/** One of them, again; undefined = it is gone. */
export async function readLeaf(reader: TargetReader, oid: number, columnName: string): Promise<LeafRow | undefined> {
  const [leaf] = await reader.query<LeafRow>(leavesSql, [oid, columnName, true]);
  return leaf;
}

import type { TargetReader } from '@slacktide/application/ports';
import { freeIndexNameSql, indexNameBaseSql } from '@slacktide/checks';

/** A table that is to have the index: the one that was named, or a partition below it. */
export interface TreeTable {
  readonly oid: number;
  /** The partitioned table it is a partition of; null = it was named. */
  readonly parentOid: number | null;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** pg_class.relkind: r table, p partitioned table, m materialised view, f foreign table. */
  readonly relkind: string;
  readonly sizeBytes: number;
  /** -1 = never counted. */
  readonly rows: number;
  readonly permitted: boolean;
  /** The GRANTs that are missing; null = none is, or no GRANT cures it. */
  readonly grant: string | null;
  /** Attribute numbers by the names of the columns asked for. */
  readonly columns: Readonly<Record<string, number>>;
  /** Columns that rows are distributed by; null = by expressions, too. Empty unless partitioned. */
  readonly partitionKey: readonly string[] | null;
  /** A name that no relation of its schema has: as the catalogue would have it, quoted, and qualified and quoted. */
  readonly freeName: string;
  readonly quotedFreeName: string;
  readonly qualifiedFreeName: string;
  /** Somebody holds, or waits for, ACCESS EXCLUSIVE on it: nothing of it can be read now. */
  readonly locked: boolean;
}

/** Of the index that gets the name that was asked for. */
export interface NamedRelation {
  readonly quoted: string;
  readonly qualified: string;
  /** What has the name already; null = nothing. */
  readonly taken: { readonly oid: number; readonly relkind: string; readonly tableOid: number | null } | null;
}

/** Only the owner may make an index, and only where new things may be made: no GRANT on the table is enough, in no version. */
const usage = `has_schema_privilege(n.oid, 'USAGE')`;
const create = `has_schema_privilege(n.oid, 'CREATE')`;
const owns = `pg_has_role(c.relowner, 'USAGE')`;

/** SQL on pg_class `c` and its pg_namespace `n`. */
export const createRightsSql = {
  permitted: `(${owns} AND ${usage} AND ${create})`,
  grant: `nullif(concat_ws('; ',
    CASE WHEN NOT ${usage} OR NOT ${create} THEN format('GRANT %s ON SCHEMA %I TO %I',
      concat_ws(', ', CASE WHEN NOT ${usage} THEN 'USAGE' END, CASE WHEN NOT ${create} THEN 'CREATE' END), n.nspname, current_user) END,
    CASE WHEN NOT ${owns} AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = c.relowner)
      THEN format('GRANT %I TO %I', pg_get_userbyid(c.relowner), current_user) END), '')`,
};

/** Of a leaf that is locked nothing is opened: its size would wait for the lock. Parents come before their partitions. */
const tablesSql = `
WITH RECURSIVE tree AS (
  SELECT $1::oid AS oid, NULL::oid AS parent, 0 AS depth
  UNION ALL
  SELECT h.inhrelid, tree.oid, tree.depth + 1
  FROM tree JOIN pg_inherits h ON h.inhparent = tree.oid JOIN pg_class p ON p.oid = h.inhrelid
  WHERE p.relispartition AND NOT h.inhdetachpending
), locked AS MATERIALIZED (
  SELECT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), based AS (
  SELECT tree.*, c.relname, c.relnamespace, n.nspname, ${indexNameBaseSql(`(c.relname || '_' || $2::text)`)} AS base
  FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
), named AS MATERIALIZED (
  SELECT ranked.*, ${freeIndexNameSql('ranked.relnamespace', 'ranked.base', 'ranked.rank')} AS free
  FROM (SELECT *, row_number() OVER (PARTITION BY relnamespace, base ORDER BY depth, oid) - 1 AS rank FROM based) ranked
)
SELECT c.oid, t.parent AS "parentOid", n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  c.relkind::text AS relkind, c.oid IN (SELECT relation FROM locked) AS locked,
  CASE WHEN c.relkind IN ('r', 'm') AND c.oid NOT IN (SELECT relation FROM locked) THEN pg_relation_size(c.oid) ELSE 0 END::float8 AS "sizeBytes",
  c.reltuples::float8 AS rows, ${createRightsSql.permitted} AS permitted, ${createRightsSql.grant} AS "grant",
  (SELECT coalesce(json_object_agg(a.attname, a.attnum), '{}') FROM pg_attribute a
   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname::text = ANY ($3::text[])) AS columns,
  CASE WHEN 0 = ANY (k.partattrs::int2[]) THEN NULL ELSE ARRAY(SELECT a.attname::text FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum = ANY (k.partattrs::int2[])) END AS "partitionKey",
  t.free AS "freeName", quote_ident(t.free) AS "quotedFreeName", format('%I.%I', n.nspname, t.free) AS "qualifiedFreeName"
FROM named t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_partitioned_table k ON k.partrelid = c.oid
ORDER BY t.depth, n.nspname, c.relname`;

/** The table and everything below it. `columns` are those of the index, for its derived names; `asked` all that matter. */
export function readTreeTables(
  reader: TargetReader,
  tableOid: number,
  { columns, asked }: { readonly columns: readonly string[]; readonly asked: readonly string[] },
): Promise<TreeTable[]> {
  return reader.query<TreeTable>(tablesSql, [tableOid, columns.join('_'), asked]);
}

const namedSql = `
SELECT quote_ident($2::text) AS quoted, format('%I.%I', n.nspname, $2::text) AS qualified,
  (SELECT json_build_object('oid', x.oid::int8, 'relkind', x.relkind, 'tableOid', i.indrelid::int8)
   FROM pg_class x LEFT JOIN pg_index i ON i.indexrelid = x.oid WHERE x.relnamespace = n.oid AND x.relname::text = $2::text) AS taken
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid`;

/** What the asked-for name means in the schema of the table. */
export async function readNamed(reader: TargetReader, tableOid: number, name: string): Promise<NamedRelation> {
  const [named] = await reader.query<NamedRelation>(namedSql, [tableOid, name]);
  if (named === undefined) throw new Error('expected the table to be there');
  return named;
}

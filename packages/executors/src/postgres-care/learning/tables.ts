import type { TargetReader } from '@slacktide/application/ports';
import type { TableFacts } from '@slacktide/learning';
import { usersTableSql } from '@slacktide/targets';

interface Row {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
  readonly writesPerDay: number | null;
  readonly columns: readonly { readonly name: string; readonly distinct: number | null; readonly sortable: boolean }[];
  readonly indexes: readonly (readonly string[])[];
}

/** n_distinct below 0 is a share of the rows. pg_stats shows only tables we may read: of others nothing is known. */
const tablesSql = `
SELECT n.nspname::text AS schema, c.relname::text AS name, greatest(c.reltuples, 0)::float8 AS rows,
  CASE WHEN d.stats_reset IS NOT NULL THEN (s.n_tup_ins + s.n_tup_upd + s.n_tup_del)::float8
    / greatest(extract(epoch FROM now() - d.stats_reset)::float8 / 86400, 1) END AS "writesPerDay",
  (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'sortable',
      EXISTS (SELECT FROM pg_opclass o JOIN pg_am am ON am.oid = o.opcmethod JOIN pg_type t ON t.oid = a.atttypid
        WHERE am.amname = 'btree' AND o.opcdefault AND o.opcintype IN (t.oid, t.typbasetype, CASE t.typname WHEN 'varchar' THEN 'text'::regtype::oid END)),
      'distinct', CASE WHEN st.n_distinct < 0 THEN -st.n_distinct * greatest(c.reltuples, 0) ELSE st.n_distinct END)), '[]')
    FROM pg_attribute a LEFT JOIN pg_stats st ON st.schemaname = n.nspname AND st.tablename = c.relname AND st.attname = a.attname AND NOT st.inherited
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT coalesce(json_agg((SELECT coalesce(json_agg(coalesce(a.attname::text, '') ORDER BY k.position), '[]')
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum AND k.attnum > 0
        WHERE k.position <= i.indnkeyatts)), '[]')
    FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
    WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND am.amname = 'btree') AS indexes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
  LEFT JOIN pg_stat_database d ON d.datname = current_database()
WHERE c.relkind IN ('r', 'p') AND c.relname::text = ANY ($1::text[]) AND ${usersTableSql}`;

/** The tables of these names, in every schema: what decides whether an index would be of use. */
export async function readTables(reader: TargetReader, names: readonly string[]): Promise<readonly TableFacts[]> {
  const rows = await reader.query<Row>(tablesSql, [names]);
  return rows.map(({ columns, indexes, ...table }) => ({
    ...table,
    columns: new Map(columns.map(({ name, distinct, sortable }) => [name, { distinctValues: distinct, sortable }])),
    indexes: indexes.map((keys) => ({ columns: keys })),
  }));
}

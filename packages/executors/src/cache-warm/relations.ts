import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';

/** A table or index that could be loaded. */
export interface WarmRelation {
  readonly oid: number;
  readonly kind: 'table' | 'index';
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** The same as a literal of SQL. */
  readonly literal: string;
  /** The table itself, or the one the index belongs to. */
  readonly tableOid: number;
  readonly filenode: number;
  /** Null when it cannot be read without waiting for a lock. */
  readonly blocks: number | null;
  /** Blocks asked for since the counters began, in the cache or not. */
  readonly reads: number;
  readonly permitted: boolean;
  readonly grant: string | null;
}

/** Of the tables named with their indexes (of a partitioned one its leaves), or of all that are users'. */
export function readWarmRelations(
  reader: TargetReader,
  named: boolean,
  oids: readonly number[],
): Promise<WarmRelation[]> {
  return reader.query<WarmRelation>(
    relationsSql(`CASE WHEN NOT $1::boolean THEN ${usersTableSql}
    ELSE c.oid = ANY ($2::oid[])
      OR c.relispartition AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) AS a WHERE a.relid = ANY ($2::oid[])) END`),
    [named, oids],
  );
}

/** One of them as it is now; undefined when it is gone, or cannot be used any more. */
export async function readWarmRelation(reader: TargetReader, oid: number): Promise<WarmRelation | undefined> {
  const [relation] = await reader.query<WarmRelation>(relationsSql('r.oid = $1::oid'), [oid]);
  return relation;
}

/** `r` is the relation and `c` its table. Most releases let pg_prewarm read an index by the right to its table, older ones only its owner. */
function relationsSql(condition: string): string {
  const usage = `has_schema_privilege(n.oid, 'USAGE')`;
  const select = `has_table_privilege(c.oid, 'SELECT')`;
  return `
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
SELECT r.oid, CASE WHEN r.relkind = 'i' THEN 'index' ELSE 'table' END AS kind, n.nspname::text AS schema, r.relname::text AS name,
  format('%I.%I', n.nspname, r.relname) AS quoted, quote_literal(format('%I.%I', n.nspname, r.relname)) AS literal, c.oid AS "tableOid",
  pg_relation_filenode(r.oid)::int8::float8 AS filenode,
  CASE WHEN r.oid NOT IN (SELECT relation FROM locked) THEN (pg_relation_size(r.oid) / current_setting('block_size')::int)::float8 END AS blocks,
  pg_stat_get_blocks_fetched(r.oid)::float8 AS reads, ${usage} AND ${select} AS permitted,
  nullif(concat_ws('; ', CASE WHEN NOT ${usage} THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT ${select} THEN format('GRANT SELECT ON TABLE %I.%I TO %I', n.nspname, c.relname, current_user) END), '') AS "grant"
FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN LATERAL (SELECT c.oid UNION ALL SELECT i.indexrelid FROM pg_index i WHERE i.indrelid = c.oid AND i.indisvalid AND i.indislive) AS part ON true
  JOIN pg_class r ON r.oid = part.oid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND ${condition}
ORDER BY n.nspname, r.relname`;
}

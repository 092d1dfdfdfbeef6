import type { TargetReader } from '@slacktide/application/ports';
import { freeIndexNameSql, indexNameBaseSql } from '../catalogue/new-index-name.ts';

/** What is to be indexed for a foreign key: the tables named, or the whole partition tree. */
export interface WantedIndex {
  readonly foreignKeyOid: number;
  readonly tables: readonly number[] | 'tree';
  /** GiST is wanted. */
  readonly period: boolean;
}

/** Statements that make the index of a foreign key, in order, and those that take it back. */
export interface Proposal {
  readonly foreignKeyOid: number;
  readonly sql: readonly string[];
  readonly rollbackSql: readonly string[];
}

/**
 * Of a tree: partitioned tables first, each without its partitions; then the leaves, online; then they are attached, from below. Windows and
 * one aggregate instead of joins: the planner knows nothing of what a CTE returns.
 */
const proposalsSql = `
WITH RECURSIVE node(oid, relid, parent, depth, whole, method, names, list) AS (
  SELECT w.oid, coalesce(w.relid, con.conrelid), NULL::oid, 0, w.relid IS NULL, CASE WHEN w.period THEN ' USING gist' ELSE '' END, col.names, col.list
  FROM unnest($1::oid[], $2::oid[], $3::boolean[]) AS w (oid, relid, period) JOIN pg_constraint con ON con.oid = w.oid
  CROSS JOIN LATERAL (
    SELECT string_agg(a.attname, '_' ORDER BY u.n) AS names, string_agg(quote_ident(a.attname), ', ' ORDER BY u.n) AS list
    FROM (SELECT attnum, min(n) AS n FROM unnest(con.conkey) WITH ORDINALITY AS c (attnum, n) GROUP BY attnum) u
    CROSS JOIN LATERAL (SELECT attname FROM pg_attribute WHERE attrelid = con.conrelid AND attnum = u.attnum OFFSET 0) a) col
  UNION ALL
  SELECT n.oid, i.inhrelid, n.relid, n.depth + 1, true, n.method, n.names, n.list
  FROM node n JOIN pg_inherits i ON i.inhparent = n.relid JOIN pg_class c ON c.oid = i.inhrelid
  WHERE n.whole AND c.relispartition AND NOT i.inhdetachpending AND c.relkind IN ('r', 'p')),
based AS (
  SELECT n.*, c.relname, c.relkind, c.relnamespace, s.nspname, ${indexNameBaseSql(`(c.relname || '_' || n.names)`)} AS base
  FROM node n JOIN pg_class c ON c.oid = n.relid JOIN pg_namespace s ON s.oid = c.relnamespace),
ranked AS (SELECT *, row_number() OVER (PARTITION BY relnamespace, base ORDER BY relname, list) - 1 AS rank FROM based),
named AS MATERIALIZED (
  SELECT *, ${freeIndexNameSql('ranked.relnamespace', 'ranked.base', 'ranked.rank')} AS index FROM ranked),
kin AS (
  SELECT oid, relid AS family, true AS up, depth, relname, format('%I.%I', nspname, index) AS quoted FROM named WHERE relkind = 'p'
  UNION ALL
  SELECT oid, parent, false, depth, relname, format('%I.%I', nspname, index) FROM named WHERE parent IS NOT NULL),
statement AS (
  SELECT oid, 0 AS stage, 0 AS step, relname, format(CASE relkind WHEN 'p' THEN 'DROP INDEX %I.%I' ELSE 'DROP INDEX CONCURRENTLY %I.%I' END,
    nspname, index) AS sql FROM named WHERE parent IS NULL
  UNION ALL
  SELECT oid, CASE relkind WHEN 'p' THEN 1 ELSE 2 END, depth, relname, format(CASE relkind
    WHEN 'p' THEN 'CREATE INDEX %I ON ONLY %I.%I%s (%s)' ELSE 'CREATE INDEX CONCURRENTLY %I ON %I.%I%s (%s)' END,
    index, nspname, relname, method, list) FROM named
  UNION ALL
  SELECT oid, 3, -depth, relname, format('ALTER INDEX %s ATTACH PARTITION %s', above, quoted) FROM (
    SELECT *, max(quoted) FILTER (WHERE up) OVER (PARTITION BY oid, family) AS above FROM kin) k
  WHERE NOT up)
SELECT oid AS "foreignKeyOid", array_agg(sql ORDER BY stage, step, relname) FILTER (WHERE stage > 0) AS sql,
  array_agg(sql ORDER BY relname) FILTER (WHERE stage = 0) AS "rollbackSql"
FROM statement GROUP BY oid`;

/** Names are free now, and no two proposals have the same. Reads the catalogue alone. */
export function readProposals(reader: TargetReader, wanted: readonly WantedIndex[]): Promise<readonly Proposal[]> {
  if (wanted.length === 0) return Promise.resolve([]);
  const roots = wanted.flatMap(({ foreignKeyOid, tables, period }) =>
    (tables === 'tree' ? [null] : tables).map((table) => ({ foreignKeyOid, table, period })),
  );
  return reader.query<Proposal>(proposalsSql, [
    roots.map(({ foreignKeyOid }) => foreignKeyOid),
    roots.map(({ table }) => table),
    roots.map(({ period }) => period),
  ]);
}

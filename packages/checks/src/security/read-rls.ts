import type { TargetReader } from '@slacktide/application/ports';
import { usersTableSql } from '@slacktide/targets';
import type { PolicyFacts, RlsTable, ViewFacts } from './facts.ts';

/** pg_get_expr opens the table, and would wait behind an ACCESS EXCLUSIVE lock. */
const lockedSql = `c.oid = ANY (ARRAY(SELECT l.relation FROM pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())))`;

const tablesSql = `
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relowner AS owner, c.relrowsecurity AS enabled,
  c.relforcerowsecurity AS forced, c.relispartition AS partition, ${lockedSql} AS locked
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND ${usersTableSql}
  AND (c.relrowsecurity OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
ORDER BY n.nspname, c.relname`;

const policiesSql = `
SELECT p.polrelid AS table, p.polname::text AS name, p.polpermissive AS permissive,
  CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END AS command,
  p.polroles AS roles, CASE WHEN NOT ${lockedSql} THEN pg_get_expr(p.polqual, p.polrelid) END AS using,
  CASE WHEN NOT ${lockedSql} THEN pg_get_expr(p.polwithcheck, p.polrelid) END AS check
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE ${usersTableSql}
ORDER BY p.polrelid, p.polname`;

/**
 * A view reads its tables as its owner, a security_invoker view as whoever asks, wherever it is used. What a materialized view reads
 * it reads as its owner, through views too.
 */
const viewsSql = `
WITH RECURSIVE views AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relowner, c.relacl,
    coalesce((SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = 'security_invoker'), false) AS invoker
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('v', 'm') AND ${usersTableSql}),
uses AS (
  SELECT DISTINCT r.ev_class AS view, d.refobjid AS relation
  FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
  WHERE r.ev_type = '1' AND d.refobjid <> r.ev_class AND r.ev_class IN (SELECT oid FROM views)),
reads(view, relation, reader) AS (
  SELECT v.oid, u.relation, v.relowner FROM views v JOIN uses u ON u.view = v.oid WHERE NOT v.invoker
  UNION
  SELECT r.view, u.relation, CASE WHEN inner_view.invoker THEN r.reader ELSE inner_view.relowner END
  FROM reads r JOIN views v ON v.oid = r.view AND v.relkind = 'm'
    JOIN views inner_view ON inner_view.oid = r.relation AND inner_view.relkind = 'v' JOIN uses u ON u.view = r.relation)
SELECT v.nspname::text AS schema, v.relname::text AS name, v.relkind = 'm' AS materialized, v.relowner AS owner, v.invoker AS "securityInvoker",
  ARRAY(SELECT DISTINCT a.grantee FROM aclexplode(coalesce(v.relacl, acldefault('r', v.relowner))) a
    WHERE a.privilege_type = 'SELECT' ORDER BY 1) AS readers,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('table', r.relation::int8, 'as', r.reader::int8) ORDER BY r.relation, r.reader), '[]')
   FROM reads r JOIN pg_class t ON t.oid = r.relation AND t.relrowsecurity WHERE r.view = v.oid) AS reads
FROM views v ORDER BY v.nspname, v.relname`;

export interface RlsCatalogue {
  readonly tables: readonly RlsTable[];
  readonly policies: readonly PolicyFacts[];
  readonly views: readonly ViewFacts[];
}

/** Row level security, and the views over it. */
export async function readRls(reader: TargetReader): Promise<RlsCatalogue> {
  const tables = await reader.query<RlsTable>(tablesSql);
  const policies = await reader.query<PolicyFacts>(policiesSql);
  return { tables, policies, views: await reader.query<ViewFacts>(viewsSql) };
}

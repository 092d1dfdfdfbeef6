import { usersTableSql } from '@slacktide/targets';

/** Printing a query locks all that it reads until the statement ends: so many at a time stay well below the server's table of locks. */
export const batchSize = 200;

/** Whether the object's stored query, by its row in pg_depend, reads something that is locked. $1 = relations locked. */
const readsLocked = (classid: string, objid: string): string => `EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = '${classid}'::regclass AND d.objid = ${objid} AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[]))`;

/** The next views by OID after $2. */
export const viewsSql = `
SELECT c.oid, CASE c.relkind WHEN 'm' THEN 'materialized_view' ELSE 'view' END AS kind, c.nspname::text AS schema, '' AS within,
  c.relname::text AS name,
  CASE WHEN NOT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND ${readsLocked('pg_rewrite', 'r.oid')}) AND NOT c.oid = ANY ($1::oid[])
    THEN jsonb_strip_nulls(jsonb_build_object('query', pg_get_viewdef(c.oid),
      'options', (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) o WHERE c.relkind = 'v')))
    || (SELECT coalesce(jsonb_object_agg('column ' || a.attname, format_type(a.atttypid, a.atttypmod)), '{}')
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END AS parts
FROM (SELECT c.oid, c.relkind, c.relname, c.reloptions, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('v', 'm') AND ${usersTableSql} AND c.oid > $2::oid ORDER BY c.oid LIMIT ${batchSize}) c
ORDER BY c.oid`;

const attributesSql = `concat_ws(' ', CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
      CASE WHEN p.proisstrict THEN 'STRICT' END, CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END, CASE WHEN p.proleakproof THEN 'LEAKPROOF' END,
      CASE p.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED' ELSE 'PARALLEL UNSAFE' END,
      CASE p.prokind WHEN 'w' THEN 'WINDOW' END)`;

/** The next routines by OID after $2. Of a body only the hash is taken: it may hold what is nobody's business. */
export const routinesSql = `
SELECT p.oid, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind, p.nspname::text AS schema,
  oidvectortypes(p.proargtypes) AS within, p.proname::text AS name,
  CASE WHEN p.prosqlbody IS NULL OR NOT ${readsLocked('pg_proc', 'p.oid')} THEN jsonb_strip_nulls(jsonb_build_object(
    'arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid), 'attributes', ${attributesSql},
    'language', (SELECT l.lanname::text FROM pg_language l WHERE l.oid = p.prolang),
    'settings', (SELECT string_agg(s, ', ' ORDER BY s) FROM unnest(p.proconfig) s),
    'body', CASE WHEN p.prosqlbody IS NULL AND p.prokind <> 'a' THEN md5(concat(p.prosrc, '|', p.probin)) END,
    'sql body', CASE WHEN p.prosqlbody IS NOT NULL THEN md5(pg_get_function_sqlbody(p.oid)) END,
    'aggregate', (SELECT concat_ws(', ', a.aggkind, a.aggtransfn, format_type(a.aggtranstype, NULL), a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
      a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggsortop::regoperator, quote_nullable(a.agginitval))
      FROM pg_aggregate a WHERE a.aggfnoid = p.oid))) END AS parts
FROM (SELECT p.*, n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
    AND p.oid > $2::oid ORDER BY p.oid LIMIT ${batchSize}) p
ORDER BY p.oid`;

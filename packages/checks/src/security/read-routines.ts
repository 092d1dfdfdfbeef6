import type { TargetReader } from '@slacktide/application/ports';
import type { DatabaseFacts, RoutineFacts, SchemaFacts } from './facts.ts';

const granteesSql = (acl: string, privilege: string): string =>
  `ARRAY(SELECT DISTINCT a.grantee FROM aclexplode(${acl}) a WHERE a.privilege_type = '${privilege}' ORDER BY 1)`;

const databaseSql = `
SELECT datname::text AS name, datdba AS owner,
  ${granteesSql(`coalesce(datacl, acldefault('d', datdba))`, 'CREATE')} AS creators,
  ${granteesSql(`coalesce(datacl, acldefault('d', datdba))`, 'TEMPORARY')} AS "temporaryCreators"
FROM pg_database WHERE datname = current_database()`;

const schemaAcl = `coalesce(n.nspacl, acldefault('n', n.nspowner))`;
const schemasSql = `
SELECT n.nspname::text AS name, n.nspowner AS owner, ${granteesSql(schemaAcl, 'CREATE')} AS creators,
  ARRAY(SELECT DISTINCT a.grantor FROM aclexplode(${schemaAcl}) a
    WHERE a.grantee = 0 AND a.privilege_type = 'CREATE' ORDER BY 1) AS "publicCreateGrantors",
  n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e') AS users,
  format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname) AS "revokeSql",
  format('GRANT CREATE ON SCHEMA %I TO PUBLIC', n.nspname) AS "grantSql"
FROM pg_namespace n WHERE n.nspname !~ '^pg_(toast|temp)' ORDER BY n.nspname`;

/** Elements of a search_path as it is stored: quoted ones as they are, others in lower case. */
const pathSql = `
(SELECT coalesce(jsonb_agg(jsonb_build_object('name', e.name, 'literal', quote_literal(e.name)) ORDER BY e.at), '[]')
 FROM unnest(p.proconfig) AS c(setting),
   regexp_matches(substr(c.setting, length('search_path=') + 1), '"((?:[^"]|"")*)"|([^",[:space:]]+)', 'g') WITH ORDINALITY AS x(m, at),
   LATERAL (SELECT coalesce(lower(x.m[2]), replace(x.m[1], '""', '"')) AS name, x.at) AS e
 WHERE c.setting LIKE 'search_path=%')`;

const routinesSql = `
SELECT n.nspname::text AS schema, p.proname::text AS name, oidvectortypes(p.proargtypes) AS "argumentTypes",
  CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END AS kind, p.proowner AS owner,
  EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid) OR EXISTS (SELECT FROM pg_event_trigger e WHERE e.evtfoid = p.oid)
    AS "firesAsTrigger",
  p.prosqlbody IS NOT NULL AS "boundBody",
  ${granteesSql(`coalesce(p.proacl, acldefault('f', p.proowner))`, 'EXECUTE')} AS executors,
  CASE WHEN EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'search_path=%') THEN ${pathSql} END AS path,
  format('ALTER %s %I.%I(%s)', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, n.nspname, p.proname,
    pg_get_function_identity_arguments(p.oid)) AS "alterSql",
  quote_literal(n.nspname) AS "schemaLiteral"
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY n.nspname, p.proname, "argumentTypes"`;

export interface RoutineCatalogue {
  readonly database: DatabaseFacts;
  readonly schemas: readonly SchemaFacts[];
  readonly routines: readonly RoutineFacts[];
}

/** SECURITY DEFINER routines, and the schemas their names may resolve to. Needs no lock at all. */
export async function readRoutines(reader: TargetReader): Promise<RoutineCatalogue> {
  const [database] = await reader.query<DatabaseFacts>(databaseSql);
  if (database === undefined) throw new Error('expected the row of our own database in pg_database');
  const schemas = await reader.query<SchemaFacts>(schemasSql);
  return { database, schemas, routines: await reader.query<RoutineFacts>(routinesSql) };
}

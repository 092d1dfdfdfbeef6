import type { TargetReader } from '@slacktide/application/ports';

/** How bloat can be measured here. */
export type Pgstattuple =
  | { readonly kind: 'usable' /** Its schema, quoted. */; readonly schema: string }
  | { readonly kind: 'unusable'; readonly reason: string /** What cures it. */; readonly grant: string };

interface Row {
  readonly schema: string;
  readonly complete: boolean;
  /** Null when nothing is missing. */
  readonly grant: string | null;
}

/** The functions of the extension, wherever it lives, and not those that somebody named alike. Before 1.5 they are for superusers alone. */
const functionsSql = `
SELECT quote_ident(min(n.nspname)) AS schema, count(*) = cardinality($1::text[]) AND min(string_to_array(e.extversion, '.')::int[]) >= '{1,5}' AS complete,
  nullif(concat_ws('; ',
    CASE WHEN NOT bool_and(has_schema_privilege(n.oid, 'USAGE')) THEN format('GRANT USAGE ON SCHEMA %I TO %I', min(n.nspname), current_user) END,
    CASE WHEN NOT bool_and(has_function_privilege(p.oid, 'EXECUTE')) THEN format('GRANT pg_stat_scan_tables TO %I', current_user) END), '') AS "grant"
FROM pg_extension e
  JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  JOIN pg_proc p ON p.oid = d.objid AND p.pronargs = 1 AND p.proargtypes[0] = 'regclass'::regtype
    AND p.proname = ANY ($1)
  JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE e.extname = 'pgstattuple'
HAVING count(*) > 0`;

/** Whether these functions of pgstattuple, all of one argument, can be called. */
export async function readPgstattuple(reader: TargetReader, functions: readonly string[]): Promise<Pgstattuple> {
  const [row] = await reader.query<Row>(functionsSql, [functions]);
  if (row === undefined) {
    return { kind: 'unusable', reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' };
  }
  if (!row.complete) {
    return { kind: 'unusable', reason: 'pgstattuple_outdated', grant: 'ALTER EXTENSION pgstattuple UPDATE' };
  }
  return row.grant === null
    ? { kind: 'usable', schema: row.schema }
    : { kind: 'unusable', reason: 'insufficient_privilege', grant: row.grant };
}

import type { TargetReader } from '@slacktide/application/ports';

/** Where hypothetical indexes can be made, or why they cannot. */
export type Hypopg =
  | {
      readonly kind: 'usable';
      /** Where the extension lives, quoted by the server. */
      readonly schema: string;
    }
  | { readonly kind: 'unusable'; readonly reason: string; readonly grant: string | null };

const functions = ['hypopg_create_index', 'hypopg_reset'];

const hypopgSql = `
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'hypopg') AS available, h.schema, h."missingGrant"
FROM (VALUES (1)) AS one LEFT JOIN (
  SELECT quote_ident(n.nspname) AS schema, nullif(concat_ws('; ',
    CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    (SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %I.%I(%s) TO %I', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), current_user),
        '; ' ORDER BY p.proname)
      FROM pg_proc p WHERE p.pronamespace = n.oid AND p.proname::text = ANY ($1::text[]) AND NOT has_function_privilege(p.oid, 'EXECUTE'))
  ), '') AS "missingGrant"
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'hypopg') h ON true`;

/** Whether hypopg is installed in this database, and our role may use it. */
export async function findHypopg(reader: TargetReader): Promise<Hypopg> {
  const [row] = await reader.query<{ available: boolean; schema: string | null; missingGrant: string | null }>(
    hypopgSql,
    [functions],
  );
  if (row === undefined) throw new Error('a SELECT of one row returned none');
  const { available, schema, missingGrant } = row;
  if (schema === null) {
    return {
      kind: 'unusable',
      reason: 'hypopg is not installed',
      grant: available ? 'CREATE EXTENSION hypopg' : null,
    };
  }
  if (missingGrant !== null) return { kind: 'unusable', reason: 'our role may not use hypopg', grant: missingGrant };
  return { kind: 'usable', schema };
}

/**
 * Plans are made as if the index were there, for this session alone, while `use` runs; nothing is written anywhere. `definition` is a CREATE INDEX
 * without CONCURRENTLY. However `use` ends, the index is gone after it; with a lost session it goes by itself.
 */
export async function withHypotheticalIndex<T>(
  reader: TargetReader,
  schema: string,
  definition: string,
  use: () => Promise<T>,
): Promise<T> {
  try {
    await reader.query(`SELECT ${schema}.hypopg_create_index($1)`, [definition]);
    // Where a setting has hypopg ignore its indexes, each would look as if it were of no use.
    await reader.query(`SELECT pg_catalog.set_config('hypopg.enabled', 'on', false)`);
    return await use();
  } finally {
    await reader.query(`SELECT ${schema}.hypopg_reset()`);
  }
}

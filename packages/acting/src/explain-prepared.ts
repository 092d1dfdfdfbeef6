import type { TargetReader } from '@slacktide/application/ports';

/**
 * Looks for unqualified names where those who execute the statements do, `"$user"` being nobody here, and then in the schema $1; null = in no other. Qualified,
 * for it is sent again while what it sets holds.
 */
export const searchPathSql = `
SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', coalesce((SELECT split_part(setting, '=', 2)
    FROM pg_catalog.pg_db_role_setting CROSS JOIN unnest(setconfig) AS setting
    WHERE setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) AND setrole = 0
      AND setting LIKE 'search_path=%'
    ORDER BY setdatabase DESC LIMIT 1), 'public'), pg_catalog.quote_ident($1::text)), false)`;

/** Prepares one statement, by the grammar of those that are planned; what it would do is not done. Gives the text that has it explained, for parameters nobody knows. */
export async function explainPrepared(
  reader: TargetReader,
  name: string,
  text: string,
  options: string,
): Promise<string> {
  await reader.query(`PREPARE ${name} AS ${text}`);
  const [row] = await reader.query<{ parameters: number }>(
    'SELECT cardinality(parameter_types) AS parameters FROM pg_catalog.pg_prepared_statements WHERE name = $1',
    [name],
  );
  const parameters = Array.from({ length: row?.parameters ?? 0 }, () => 'NULL').join(', ');
  return `EXPLAIN (${options}) EXECUTE ${name}${parameters === '' ? '' : `(${parameters})`}`;
}

import type { TargetReader } from '@slacktide/application/ports';

/** Where hypopg lives, quoted by the server; null = it is not installed, or our role may not use it. */
export async function hypopgSchema(reader: TargetReader): Promise<string | null> {
  const [row] = await reader.query<{ schema: string }>(
    `SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'hypopg' AND has_schema_privilege(n.oid, 'USAGE')`,
  );
  return row?.schema ?? null;
}

/** Plans are made as if the index were there, for this session alone, while `use` runs; nothing is written anywhere. */
export async function withHypotheticalIndex<T>(
  reader: TargetReader,
  schema: string,
  sql: string,
  use: () => Promise<T>,
): Promise<T> {
  await reader.query(`SELECT ${schema}.hypopg_create_index($1)`, [sql.replace(' CONCURRENTLY', '')]);
  try {
    return await use();
  } finally {
    await reader.query(`SELECT ${schema}.hypopg_reset()`);
  }
}

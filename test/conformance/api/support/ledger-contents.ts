import type { Sql } from 'postgres';

/** Every row of every table of the ledger, by table; without the moment at which an API key was last used. */
export async function ledgerContents(sql: Sql): Promise<Record<string, readonly unknown[]>> {
  const tables = await sql<{ name: string }[]>`
    SELECT c.relname AS name FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY 1`;
  const contents = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql<{ row: unknown }[]>`SELECT to_jsonb(t) - 'last_used_at' AS row FROM ${sql(name)} AS t`;
      return [name, rows.map(({ row }) => row)] as const;
    }),
  );
  return Object.fromEntries(contents);
}

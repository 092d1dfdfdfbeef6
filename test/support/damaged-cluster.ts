import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { createDatabase, type TestPostgres, withDatabase } from './postgres.ts';

/** PostgreSQL's pages. */
export const pageBytes = 8192;

/** Changes the file of a relation in place. */
export type Damage = (file: Buffer) => void;

/**
 * A copy of the database `template` whose relations (`schema.name`, as SQL reads it) are damaged on disk. Nothing of the copy has been read
 * yet, so that no buffer hides the damage, and the server runs on.
 */
export async function damagedCopy(
  server: TestPostgres,
  template: string,
  damages: Readonly<Record<string, Damage>>,
): Promise<{ url: string; drop(): Promise<void> }> {
  const relations = Object.keys(damages);
  const files = await query<{ path: string }>(
    withDatabase(server.url, template),
    'SELECT pg_relation_filepath(name::regclass) AS path FROM unnest($1::text[]) WITH ORDINALITY AS r (name, n) ORDER BY n',
    [relations],
  );
  const copy = await createDatabase(server.url, { template });
  const [database] = await query<{ oid: number }>(server.url, 'SELECT oid FROM pg_database WHERE datname = $1', [
    copy.name,
  ]);
  for (const [position, damage] of Object.values(damages).entries()) {
    // base/<database>/<file>, and the copy's files have the same names.
    const file = join(server.dataDir, 'base', String(database?.oid), files[position]?.path.split('/').at(-1) ?? '');
    const bytes = readFileSync(file);
    damage(bytes);
    writeFileSync(file, bytes);
  }
  return copy;
}

async function query<R extends object>(url: string, text: string, values: readonly unknown[]): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows as R[];
  } finally {
    await client.end();
  }
}

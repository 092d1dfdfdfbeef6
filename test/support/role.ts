import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { quickPassword } from './quick-password.ts';

/**
 * Makes a role of the running test's own on the server of `adminUrl` (a superuser); dropped with the test, when the databases in which
 * it owns or may do something must be gone. `definition` is what follows in CREATE ROLE, e.g. `IN ROLE pg_monitor`.
 */
export async function createRole(
  adminUrl: string,
  definition = '',
): Promise<{ name: string; urlOf(url: string): string }> {
  const name = `role_${randomBytes(6).toString('hex')}`;
  await run(adminUrl, `CREATE ROLE ${name} LOGIN PASSWORD '${quickPassword('role')}' ${definition}`);
  onTestFinished(() => run(adminUrl, `DROP ROLE ${name}`));
  return {
    name,
    urlOf(url) {
      const changed = new URL(url);
      changed.username = name;
      changed.password = 'role';
      return changed.href;
    },
  };
}

/** The same ledger as a login role that may do what the apps may, and no more. */
export async function asApps(databaseUrl: string): Promise<string> {
  const adminUrl = new URL(databaseUrl);
  adminUrl.pathname = '/postgres';
  const { urlOf } = await createRole(adminUrl.href, 'IN ROLE slacktide_app');
  return urlOf(databaseUrl);
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

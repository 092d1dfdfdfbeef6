import pg from 'pg';
import { withSession } from './postgres-session.ts';

const { escapeIdentifier, escapeLiteral } = pg;

/** Makes a role that may log in, or gives an existing one this password. `memberOf` are roles whose rights it gets. */
export async function ensureRole(
  adminUrl: string,
  role: string,
  password: string,
  memberOf: string[] = [],
): Promise<void> {
  await withSession(adminUrl, async (session) => {
    const { rowCount } = await session.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
    const verb = rowCount === 0 ? 'CREATE' : 'ALTER';
    await session.query(`${verb} ROLE ${escapeIdentifier(role)} LOGIN PASSWORD ${escapeLiteral(password)}`);
    for (const group of memberOf) await session.query(`GRANT ${escapeIdentifier(group)} TO ${escapeIdentifier(role)}`);
  });
}

/** Makes a role that may not log in, for others to be members of, unless it is there. */
export async function ensureGroup(adminUrl: string, role: string): Promise<void> {
  await withSession(adminUrl, async (session) => {
    const { rowCount } = await session.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
    if (rowCount === 0) await session.query(`CREATE ROLE ${escapeIdentifier(role)} NOLOGIN`);
  });
}

/** Makes an empty database that `owner` owns, unless it is there. */
export async function ensureDatabase(adminUrl: string, database: string, owner: string): Promise<void> {
  await withSession(adminUrl, async (session) => {
    const { rowCount } = await session.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    if (rowCount === 0) {
      await session.query(`CREATE DATABASE ${escapeIdentifier(database)} OWNER ${escapeIdentifier(owner)}`);
    }
  });
}

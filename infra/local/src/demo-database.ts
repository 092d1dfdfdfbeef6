import { readFileSync } from 'node:fs';
import pg from 'pg';
import { withSession } from './postgres-session.ts';
import { ensureDatabase } from './roles.ts';

const files = ['1-schema', '2-rows', '3-keys', '4-wear'];
/** Vacuumed after the deletes: their index entries are gone, the pages that held them are still there, mostly empty. */
const vacuumed = ['sessions', 'inventory_movements'];
const extensions = ['pgstattuple', 'pg_stat_statements', 'amcheck'];

/**
 * The demo target: a shop with about half a million rows, owned by `owner`, with bloated, unused, duplicate and redundant
 * indexes, a foreign key without an index, stale statistics and dead rows. Made once; later starts find it as it was left.
 * `urlFor` gives the URL of a database as superuser and as owner.
 */
export async function ensureDemoDatabase(
  database: string,
  owner: string,
  urlFor: { admin(database: string): string; owner(database: string): string },
): Promise<void> {
  const server = urlFor.admin('postgres');
  if (await hasDatabase(server, database)) return;
  // Under another name until complete: a start that was interrupted begins again.
  const unfinished = `${database}_unfinished`;
  await withSession(server, (session) =>
    session.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(unfinished)} WITH (FORCE)`),
  );
  await ensureDatabase(server, unfinished, owner);
  await withSession(urlFor.admin(unfinished), (session) => addExtensions(session, owner));
  await withSession(urlFor.owner(unfinished), fill);
  await withSession(server, (session) =>
    session.query(`ALTER DATABASE ${pg.escapeIdentifier(unfinished)} RENAME TO ${pg.escapeIdentifier(database)}`),
  );
}

async function hasDatabase(adminUrl: string, database: string): Promise<boolean> {
  return withSession(adminUrl, async (session) => {
    const { rowCount } = await session.query('SELECT FROM pg_database WHERE datname = $1', [database]);
    return rowCount === 1;
  });
}

/** pgstattuple and pg_stat_statements are open to members of pg_monitor; amcheck has to be granted function by function. */
async function addExtensions(session: pg.Client, owner: string): Promise<void> {
  for (const extension of extensions) await session.query(`CREATE EXTENSION ${extension}`);
  const { rows } = await session.query<{ grant_statement: string }>(
    `SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', p.oid::regprocedure, $1::text) AS grant_statement
     FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
     WHERE d.deptype = 'e' AND d.classid = 'pg_proc'::regclass AND e.extname = 'amcheck'`,
    [owner],
  );
  for (const { grant_statement } of rows) await session.query(grant_statement);
}

/** Each file is one transaction. The commits may be lost with the machine until the next checkpoint, which is soon enough here. */
async function fill(session: pg.Client): Promise<void> {
  await session.query('SET synchronous_commit = off');
  for (const file of files) {
    await session.query(readFileSync(new URL(`./demo/${file}.sql`, import.meta.url), 'utf8'));
  }
  for (const table of vacuumed) await session.query(`VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) ${table}`);
}

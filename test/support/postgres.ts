import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { embeddedPostgres, reachableInstallation, serverAccount, startPostgresServer } from '@slacktide/local';
import pg from 'pg';
import { makeClusterDir } from './cluster-dir.ts';
import { onFreePort } from './free-port.ts';
import { quickPassword } from './quick-password.ts';

/** The PostgreSQL majors under care, each available to tests: `describe.each(majors)('PostgreSQL %i', …)`. */
export const majors = [14, 15, 16, 17, 18] as const;
export type PostgresMajor = (typeof majors)[number];

/** A running PostgreSQL of a test's own. */
export interface TestPostgres {
  /** Superuser `postgres`, database `postgres`. */
  url: string;
  port: number;
  pid: number;
  dataDir: string;
  /** Ends the server (fast shutdown) and removes its files. */
  stop(): Promise<void>;
}

/**
 * Small and unsafe on purpose (`fsync=off`), and without autovacuum: with a database for every test its workers are always at
 * work somewhere, and their snapshots keep the rows that a test expects to be removed. Else as a server under care would be.
 */
const testSettings = {
  autovacuum: 'off',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_wal_size: '128MB',
  max_connections: '200',
  wal_level: 'replica',
  shared_preload_libraries: 'pg_stat_statements',
};

/**
 * Starts PostgreSQL `major` with a fresh cluster on a free port. `flags` are settings, e.g. `['log_statement=all']`, and
 * win over the defaults. Takes about a second; a test that only needs a database takes `inject('postgresUrl')` (for a
 * ledger) or `inject('targetUrls')[major]` (for a target) and `createDatabase`. `installation` is a directory with other
 * binaries of that major than those of npm.
 */
export function startPostgres(
  major: PostgresMajor,
  { flags = [], installation }: { flags?: string[]; installation?: string } = {},
): Promise<TestPostgres> {
  const account = serverAccount();
  return onFreePort(async (port) => {
    const dir = makeClusterDir(account, `postgres-${major}`);
    const dataDir = join(dir, 'data');
    const server = await startPostgresServer({
      installation: installation ?? reachableInstallation(embeddedPostgres(major, import.meta.url), account, dir),
      account,
      dataDir,
      port,
      superuserPassword: quickPassword('postgres'),
      logFile: join(dir, 'postgres.log'),
      settings: { ...testSettings, ...Object.fromEntries(flags.map(toSetting)) },
      temporaryDir: dir,
    });
    const url = `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`;
    return { url, port, pid: server.pid, dataDir, stop: server.stop };
  });
}

/**
 * A fresh database on the server of `adminUrl` (a superuser), empty or cloned from `template`, with a name of its own.
 * `drop` also ends the sessions still open on it.
 */
export async function createDatabase(
  adminUrl: string,
  { template }: { template?: string } = {},
): Promise<{ url: string; name: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const from = template === undefined ? '' : ` TEMPLATE ${pg.escapeIdentifier(template)}`;
  await withClient(adminUrl, async (client) => {
    const { rows } = await client.query<{ major: number }>(
      `SELECT current_setting('server_version_num')::int / 10000 AS major`,
    );
    // The only way of 14. The default since 15 writes the whole database to the WAL: 30 ms instead of 11 ms.
    const strategy = (rows[0]?.major ?? 14) >= 15 ? ' STRATEGY file_copy' : '';
    await client.query(`CREATE DATABASE ${name}${from}${strategy}`);
  });
  return {
    name,
    url: withDatabase(adminUrl, name),
    drop: () =>
      withClient(adminUrl, async (client) => void (await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  };
}

/**
 * Makes the database `name` once per server by `prepare` (e.g. migrate), for `createDatabase` to clone from; returns the
 * name. Test files that ask at the same moment wait for the first one. `prepare` must close its connections.
 */
export async function templateDatabase(
  adminUrl: string,
  name: string,
  prepare: (url: string) => Promise<void>,
): Promise<string> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [`template ${name}`]);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) {
      const unfinished = `${name}_unfinished`;
      await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(unfinished)} WITH (FORCE)`);
      await client.query(`CREATE DATABASE ${pg.escapeIdentifier(unfinished)}`);
      await prepare(withDatabase(adminUrl, unfinished));
      await client.query(`ALTER DATABASE ${pg.escapeIdentifier(unfinished)} RENAME TO ${pg.escapeIdentifier(name)}`);
    }
    return name;
  } finally {
    await client.end();
  }
}

/** The same server and user, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

async function withClient(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

function toSetting(flag: string): [string, string] {
  const separator = flag.indexOf('=');
  if (separator < 1) throw new Error(`expected a flag like name=value, got: ${flag}`);
  return [flag.slice(0, separator), flag.slice(separator + 1)];
}

import { connect } from 'node:net';
import { join } from 'node:path';
import type { LocalConfig } from './config.ts';
import { ensureDemoDatabase } from './demo-database.ts';
import { type Home, keptSecret } from './home.ts';
import { keptPort } from './ports.ts';
import { embeddedPostgres, reachableInstallation } from './postgres-binaries.ts';
import { startPostgresServer } from './postgres-server.ts';
import { postgresUrl, withSession } from './postgres-session.ts';
import { redisBinary } from './redis-binary.ts';
import { startRedisServer } from './redis-server.ts';
import { ensureDatabase, ensureGroup, ensureRole } from './roles.ts';
import type { ServerAccount } from './server-account.ts';
import type { ServerProcess } from './server-process.ts';

const ledger = { database: 'slacktide', role: 'slacktide', secret: 'ledger-password' };
/** What the apps log in as: a member of the group that migrations grant what they need. */
const apps = { role: 'slacktide_fleet', group: 'slacktide_app', secret: 'ledger-apps-password' };
/** The demo target. Its role owns the shop's tables and may look at statistics and force checkpoints; it is no superuser. */
export const shop = { database: 'shop', role: 'slacktide_agent', secret: 'shop-password' };

const postgresSettings = { shared_preload_libraries: 'pg_stat_statements', track_io_timing: 'on' };

/** Starts the embedded PostgreSQL 18, with its files in `place`. */
export async function startPostgres(
  home: Home,
  place: string,
  account: ServerAccount | undefined,
): Promise<{ server: ServerProcess; port: number }> {
  const port = await keptPort(home.portsFile, 'postgres');
  const server = await startPostgresServer({
    installation: reachableInstallation(embeddedPostgres(18, import.meta.url), account, place),
    account,
    dataDir: join(place, 'data'),
    port,
    superuserPassword: keptSecret(home, 'postgres-password'),
    logFile: join(home.logDir, 'postgres.log'),
    settings: postgresSettings,
  });
  return { server, port };
}

/** The ledger as the apps reach it, and as its owner does, who migrates it. */
export interface LedgerUrls {
  readonly databaseUrl: string;
  readonly migrateDatabaseUrl: string;
}

/** Makes the ledger's database, its owner and the role of the apps. */
export async function prepareLedger(home: Home, port: number): Promise<LedgerUrls> {
  const admin = postgresUrl('postgres', keptSecret(home, 'postgres-password'), port, 'postgres');
  const ownerPassword = keptSecret(home, ledger.secret);
  const appsPassword = keptSecret(home, apps.secret);
  await ensureRole(admin, ledger.role, ownerPassword);
  await ensureGroup(admin, apps.group);
  await ensureRole(admin, apps.role, appsPassword, [apps.group]);
  await ensureDatabase(admin, ledger.database, ledger.role);
  return {
    databaseUrl: postgresUrl(apps.role, appsPassword, port, ledger.database),
    migrateDatabaseUrl: postgresUrl(ledger.role, ownerPassword, port, ledger.database),
  };
}

/** Makes the demo target; returns its URL. */
export async function prepareShop(home: Home, port: number): Promise<string> {
  const adminPassword = keptSecret(home, 'postgres-password');
  const password = keptSecret(home, shop.secret);
  const admin = (database: string): string => postgresUrl('postgres', adminPassword, port, database);
  const owner = (database: string): string => postgresUrl(shop.role, password, port, database);
  await ensureRole(admin('postgres'), shop.role, password, ['pg_monitor', 'pg_checkpoint']);
  await ensureDemoDatabase(shop.database, shop.role, { admin, owner });
  return owner(shop.database);
}

/** Starts Redis with its data (append-only file) in the home; returns its URL, which works as it is in redis-cli. */
export async function startRedis(
  home: Home,
  log: (line: string) => void,
): Promise<{ server: ServerProcess; url: string }> {
  const binary = redisBinary(log);
  const port = await keptPort(home.portsFile, 'redis');
  const password = keptSecret(home, 'redis-password');
  const server = await startRedisServer({
    binary,
    dir: home.redisDir,
    port,
    password,
    logFile: join(home.logDir, 'redis.log'),
    directives: ['appendonly yes'],
  });
  // redis-cli takes a URL without a user name for one with an empty name.
  return { server, url: `redis://default:${password}@127.0.0.1:${port}` };
}

/** Fails early, and by name, when a server of the user's own cannot be reached. The message holds no password. */
export async function checkOwnServers({ databaseUrl, redisUrl }: LocalConfig): Promise<void> {
  if (databaseUrl !== undefined) {
    await withSession(databaseUrl, (session) => session.query('SELECT 1')).catch((cause) => {
      throw new Error(`the database of DATABASE_URL does not answer: ${(cause as Error).message}`, { cause });
    });
  }
  if (redisUrl !== undefined) {
    const { hostname, port } = new URL(redisUrl);
    await canConnect(hostname, Number(port || 6379)).catch((cause) => {
      throw new Error(`the Redis of REDIS_URL does not answer: ${(cause as Error).message}`, { cause });
    });
  }
}

function canConnect(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port, timeout: 5_000 });
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error('no answer within 5 s')));
    socket.once('error', reject);
  });
}

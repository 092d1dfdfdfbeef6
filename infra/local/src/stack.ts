import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startApps } from './apps.ts';
import type { LocalConfig } from './config.ts';
import { type DevFile, removeDevFile, writeDevFile } from './dev-file.ts';
import { type Home, openHome, secretFile } from './home.ts';
import { takeLauncherLock } from './launcher-lock.ts';
import { controlPlanePort } from './ports.ts';
import { postgresPlace } from './postgres-place.ts';
import { endPredecessor } from './predecessor.ts';
import { seedLedger } from './seed-ledger.ts';
import { serverAccount } from './server-account.ts';
import {
  checkOwnServers,
  type LedgerUrls,
  prepareLedger,
  prepareShop,
  shop,
  startPostgres,
  startRedis,
} from './services.ts';
import type { Supervisor } from './supervisor.ts';

/** How the stack is started: with what, who stops it, when to give up, and who hears of its progress. */
export interface StackStart {
  config: LocalConfig;
  parts: Supervisor;
  signal: AbortSignal;
  log: (line: string) => void;
}

/** Starts everything, in the order PostgreSQL, Redis, control plane, worker. Throws between two steps when `signal` fires. */
export async function startStack(start: StackStart): Promise<{ dev: DevFile; home: Home }> {
  const { config, parts, signal, log } = start;
  const home = openHome(config.home);
  const lock = takeLauncherLock(home.launcherFile);
  parts.defer(lock.release);
  removeDevFile(home.devFile);
  const account = serverAccount();
  const place = postgresPlace(home.dir, account);
  await endPredecessor({ apps: lock.leftBehind, postgresDataDir: join(place, 'data'), redisDir: home.redisDir });
  // Files outside the home outlive it: these belonged to one at the same path that was deleted, with its passwords.
  if (home.isNew) rmSync(join(place, 'data'), { recursive: true, force: true });
  // What cannot work is said before anything is started.
  await checkOwnServers(config);
  const { port, release } = await controlPlanePort(config.port, log);
  parts.defer(release);
  signal.throwIfAborted();

  log(`starting PostgreSQL 18, its files are in ${place}`);
  const postgres = await startPostgres(home, place, account);
  parts.keep('PostgreSQL', postgres.server, postgres.server.stop);
  signal.throwIfAborted();
  const redisUrl = config.redisUrl ?? (await startRedisPart(start, home));
  signal.throwIfAborted();

  log('preparing the ledger and the demo database');
  const ledger = ownLedger(config) ?? (await prepareLedger(home, postgres.port));
  const targetUrl = await prepareShop(home, postgres.port);
  signal.throwIfAborted();
  const { apiKey, targetId } = await seedLedger({
    ...ledger,
    ledgerAppRole: config.ledgerAppRole,
    log,
    shopConnection: `postgresql://${shop.role}@127.0.0.1:${postgres.port}/${shop.database}`,
    secretRef: `file:${secretFile(home, shop.secret)}`,
    home,
  });
  signal.throwIfAborted();

  log('starting the control plane and a worker');
  const url = await startApps(
    { port, environment: config.environment, home, lock, databaseUrl: ledger.databaseUrl, redisUrl, apiKey },
    parts,
    signal,
  );
  const dev: DevFile = {
    url,
    api_key: apiKey,
    target_id: targetId,
    target_url: targetUrl,
    database_url: ledger.databaseUrl,
    redis_url: redisUrl,
  };
  writeDevFile(home.devFile, dev);
  parts.defer(() => removeDevFile(home.devFile));
  return { dev, home };
}

/** A ledger of the user's own. */
function ownLedger({ databaseUrl, migrateDatabaseUrl }: LocalConfig): LedgerUrls | undefined {
  return databaseUrl === undefined ? undefined : { databaseUrl, migrateDatabaseUrl: migrateDatabaseUrl ?? databaseUrl };
}

async function startRedisPart({ parts, log }: StackStart, home: Home): Promise<string> {
  log('starting Redis');
  const { server, url } = await startRedis(home, log);
  parts.keep('Redis', server, server.stop);
  return url;
}

import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  embeddedPostgres,
  reachableInstallation,
  reachableTempDir,
  redisBinary,
  serverAccount,
  startPostgresServer,
  startRedisServer,
} from '@slacktide/local';
import { onFreePort } from '../../support/free-port.ts';

/** The servers that product and reference share. */
export interface Services {
  /** PostgreSQL 18, as superuser. */
  readonly postgresUrl: string;
  readonly redisUrl: string;
}

/** As a server with little memory would be run; on disk, and durable. */
const postgresSettings = {
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  max_connections: '300',
  shared_preload_libraries: 'pg_stat_statements',
};

/** As docs/operations.md asks for: nothing that Redis acknowledged is lost for longer than a second. */
const redisDirectives = ['save ""', 'appendonly yes', 'appendfsync everysec'];

/** Starts both with their files on disk; they and their files are gone with `cleanUp`. */
export async function startServices(
  cleanUp: AsyncDisposableStack,
  settings: Readonly<Record<string, string>> = {},
): Promise<Services> {
  const [postgresUrl, redisUrl] = await Promise.all([startPostgres(cleanUp, settings), startRedis(cleanUp)]);
  return { postgresUrl, redisUrl };
}

async function startPostgres(cleanUp: AsyncDisposableStack, settings: Readonly<Record<string, string>>) {
  const account = serverAccount();
  return await onFreePort(async (port) => {
    const dir = mkdtempSync(join(reachableTempDir(account), 'slacktide-load-'));
    chmodSync(dir, 0o755); // the server may run as another user; its data directory is its own
    const server = await startPostgresServer({
      installation: reachableInstallation(embeddedPostgres(18, import.meta.url), account, dir),
      account,
      dataDir: join(dir, 'data'),
      port,
      superuserPassword: 'postgres',
      logFile: join(dir, 'postgres.log'),
      settings: { ...postgresSettings, ...settings },
      temporaryDir: dir,
    });
    cleanUp.defer(() => server.stop());
    return `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`;
  });
}

async function startRedis(cleanUp: AsyncDisposableStack): Promise<string> {
  return await onFreePort(async (port) => {
    const dir = mkdtempSync(join(tmpdir(), 'slacktide-load-redis-'));
    const server = await startRedisServer({
      binary: redisBinary((line) => process.stderr.write(`${line}\n`)),
      dir,
      port,
      logFile: join(dir, 'redis.log'),
      directives: redisDirectives,
      temporaryDir: dir,
    });
    cleanUp.defer(() => server.stop());
    return `redis://127.0.0.1:${port}`;
  });
}

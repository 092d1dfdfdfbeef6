import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PostgresInstallation } from './postgres-binaries.ts';
import type { ServerAccount } from './server-account.ts';
import { readyServer, type ServerProcess, spawnServer } from './server-process.ts';

export interface PostgresServerOptions {
  installation: PostgresInstallation;
  account: ServerAccount | undefined;
  /** Created by initdb when it holds no cluster yet. Its parent must exist and be reachable for the account. */
  dataDir: string;
  port: number;
  superuserPassword: string;
  logFile: string;
  /** Settings on top of the loopback-only ones, e.g. `{ fsync: 'off' }`. */
  settings: Record<string, string>;
  temporaryDir?: string;
}

/** Every server listens on 127.0.0.1 only, has no socket directory, and asks for passwords (SCRAM). */
const fixedSettings = { listen_addresses: '127.0.0.1', unix_socket_directories: '' };

/** Fast shutdown, then immediate. */
export const postgresStopSignals = ['SIGINT', 'SIGQUIT'] as const;

/** Starts PostgreSQL (superuser `postgres`), making the cluster first where there is none; returns once it takes connections. */
export async function startPostgresServer(options: PostgresServerOptions): Promise<ServerProcess> {
  if (!existsSync(join(options.dataDir, 'PG_VERSION'))) await createCluster(options);
  const settings = { ...fixedSettings, ...options.settings, port: String(options.port) };
  const server = await spawnServer({
    command: join(options.installation, 'bin', 'postgres'),
    args: ['-D', options.dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    account: options.account,
    logFile: options.logFile,
    stopSignals: postgresStopSignals,
    ...(options.temporaryDir === undefined ? {} : { temporaryDir: options.temporaryDir }),
  });
  return readyServer('PostgreSQL', server, () => isReady(options.dataDir, server.pid));
}

/** Made beside its place and moved there when complete: an interrupted initdb leaves nothing that looks like a cluster. */
async function createCluster(options: PostgresServerOptions): Promise<void> {
  const { installation, account, dataDir, superuserPassword } = options;
  const unfinished = `${dataDir}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  const passwordFile = `${dataDir}.password`;
  writeFileSync(passwordFile, superuserPassword, { mode: 0o600 });
  try {
    if (account !== undefined) {
      chownSync(unfinished, account.uid, account.gid);
      chownSync(passwordFile, account.uid, account.gid);
    }
    const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C';
    const cluster = ['-D', unfinished, '-U', 'postgres', '--pwfile', passwordFile, '-A', 'scram-sha-256'];
    await promisify(execFile)(
      join(installation, 'bin', 'initdb'),
      [...cluster, '-E', 'UTF8', '--locale', locale, '--no-sync'],
      { ...account, env: { PATH: process.env['PATH'], TZ: 'UTC' }, cwd: '/' },
    );
    renameSync(unfinished, dataDir);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

/** The server writes its pid to line 1 of postmaster.pid, and `ready` to line 8 when it takes connections, as pg_ctl reads it. */
function isReady(dataDir: string, pid: number): boolean {
  try {
    const lines = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

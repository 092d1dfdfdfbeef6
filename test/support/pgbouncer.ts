import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverAccount } from '@slacktide/local';
import { onTestFinished } from 'vitest';
import { onFreePort } from './free-port.ts';

const places = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'];

/** The pooler, where it is installed (the package `pgbouncer` of most distributions). */
export const pgbouncerPath = places.find((place) => existsSync(place));

export interface PgbouncerOptions {
  /** The server behind it: a URL with user and password, whose database is passed on. */
  readonly url: string;
  readonly mode: 'session' | 'transaction' | 'statement';
  /** Lets clients send session settings at start-up, and drops them. */
  readonly dropsSettings?: boolean;
}

/** Starts a PgBouncer before a server, on 127.0.0.1; ended with the test. */
export async function startPgbouncer({
  url,
  mode,
  dropsSettings = false,
}: PgbouncerOptions): Promise<{ port: number }> {
  const path = pgbouncerPath;
  if (path === undefined) throw new Error('pgbouncer is not installed');
  const server = new URL(url);
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-pgbouncer-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o755); // it does not run as root
  writeFileSync(join(dir, 'users.txt'), `"${server.username}" "${decodeURIComponent(server.password)}"\n`, {
    mode: 0o644,
  });
  return await onFreePort(async (port) => {
    const ini = join(dir, `pgbouncer-${port}.ini`);
    const lines = [
      '[databases]',
      `* = host=${server.hostname} port=${server.port} user=${server.username}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = plain',
      `auth_file = ${join(dir, 'users.txt')}`,
      `pool_mode = ${mode}`,
      ...(dropsSettings ? ['ignore_startup_parameters = options,extra_float_digits'] : []),
    ];
    writeFileSync(ini, lines.join('\n'), { mode: 0o644 });
    const child = spawn(path, [ini], { ...serverAccount(), stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => end(child));
    await listening(child);
    return { port };
  });
}

async function listening(child: ChildProcess): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (/process up/.test(log)) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`pgbouncer ended: ${log}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

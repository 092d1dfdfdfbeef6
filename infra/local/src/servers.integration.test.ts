import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freePort } from './free-port.ts';
import { isAlive } from './leftover.ts';
import { embeddedPostgres, reachableInstallation } from './postgres-binaries.ts';
import { startPostgresServer } from './postgres-server.ts';
import { postgresUrl, withSession } from './postgres-session.ts';
import { endPredecessor } from './predecessor.ts';
import { reachableTempDir } from './reachable.ts';
import { redisBinary } from './redis-binary.ts';
import { startRedisServer } from './redis-server.ts';
import { serverAccount } from './server-account.ts';
import type { ServerProcess } from './server-process.ts';

const account = serverAccount();

function temporaryDir(): string {
  const dir = mkdtempSync(join(reachableTempDir(account), 'slacktide-servers-'));
  chmodSync(dir, 0o755);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function postgresIn(dir: string, port: number): Promise<ServerProcess> {
  const server = await startPostgresServer({
    installation: reachableInstallation(embeddedPostgres(18, import.meta.url), account, dir),
    account,
    dataDir: join(dir, 'data'),
    port,
    superuserPassword: 'secret',
    logFile: join(dir, 'postgres.log'),
    settings: { fsync: 'off', shared_buffers: '16MB' },
  });
  onTestFinished(server.stop);
  return server;
}

async function redisIn(dir: string, port: number): Promise<ServerProcess> {
  mkdirSync(dir, { recursive: true });
  const server = await startRedisServer({
    binary: redisBinary(() => undefined),
    dir,
    port,
    password: 'secret',
    logFile: join(dir, 'redis.log'),
    directives: ['appendonly yes'],
  });
  onTestFinished(server.stop);
  return server;
}

describe('the servers of the local stack', () => {
  it('keep their data over a restart and ask for a password', async () => {
    const dir = temporaryDir();
    const port = await freePort();
    const url = postgresUrl('postgres', 'secret', port, 'postgres');
    const first = await postgresIn(dir, port);
    await withSession(url, (session) => session.query('CREATE TABLE kept AS SELECT 1 AS id'));
    await first.stop();
    await postgresIn(dir, port);
    const { rows } = await withSession(url, (session) => session.query('SELECT id FROM kept'));
    expect(rows).toEqual([{ id: 1 }]);
    await expect(
      withSession(postgresUrl('postgres', 'guess', port, 'postgres'), (s) => s.query('SELECT 1')),
    ).rejects.toThrow('authentication failed');
  });

  it('are ended by the next launcher when the one before left them running', async () => {
    const dir = temporaryDir();
    const redisDir = join(dir, 'redis');
    const [postgresPort, redisPort] = [await freePort(), await freePort()];
    const leftRunning = [await postgresIn(dir, postgresPort), await redisIn(redisDir, redisPort)];
    await endPredecessor({ apps: {}, postgresDataDir: join(dir, 'data'), redisDir });
    expect(await Promise.all(leftRunning.map(({ exited }) => exited))).toEqual(['exit code 0', 'exit code 0']);
    await Promise.all([postgresIn(dir, postgresPort), redisIn(redisDir, redisPort)]);
  });

  it('say why when they cannot start, and leave nothing running', async () => {
    const dir = temporaryDir();
    const port = await freePort();
    await redisIn(join(dir, 'first'), port);
    await expect(redisIn(join(dir, 'second'), port)).rejects.toThrow(/Redis did not start[\s\S]*in use/i);
  });

  it('are stopped by their guard when the process that started them is killed', async () => {
    const dir = temporaryDir();
    const port = await freePort();
    const source = `
      import { startRedisServer } from ${JSON.stringify(new URL('./redis-server.ts', import.meta.url).href)};
      const server = await startRedisServer({ binary: ${JSON.stringify(redisBinary(() => undefined))}, dir: ${JSON.stringify(dir)},
        port: ${port}, logFile: ${JSON.stringify(join(dir, 'redis.log'))}, directives: [], temporaryDir: ${JSON.stringify(dir)} });
      console.log(server.pid);`;
    const launcher = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = await once(launcher.stdout, 'data');
    const pid = Number(String(output));
    expect(isAlive(pid)).toBe(true);
    launcher.kill('SIGKILL');
    await vi.waitFor(() => expect(existsSync(dir)).toBe(false), { timeout: 20_000 });
    expect(() => readFileSync(`/proc/${pid}/cmdline`)).toThrow();
  });
});

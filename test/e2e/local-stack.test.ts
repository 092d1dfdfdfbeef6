import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { Api } from './support/api.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));

interface DevFile {
  readonly url: string;
  readonly api_key: string;
  readonly target_id: string;
  readonly target_url: string;
  readonly database_url: string;
  readonly redis_url: string;
}

interface Stack {
  readonly dev: DevFile;
  readonly output: () => string;
  /** Ctrl-C; resolves with the exit code. */
  interrupt(): Promise<number | null>;
}

/** `npm start`, without the npm around it. */
async function start(home: string, port: number): Promise<Stack> {
  const child: ChildProcess = spawn(process.execPath, ['infra/bootstrap/run.mjs', 'start'], {
    cwd: checkout,
    env: { ...process.env, SLACKTIDE_HOME: home, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGINT');
    await exited;
  });
  const devFile = join(home, 'dev.json');
  await expect
    .poll(() => existsSync(devFile) || child.exitCode !== null, { timeout: 90_000, interval: 100 })
    .toBe(true);
  expect(child.exitCode, output).toBeNull();
  return {
    dev: JSON.parse(readFileSync(devFile, 'utf8')) as DevFile,
    output: () => output,
    interrupt: async () => {
      child.kill('SIGINT');
      return await exited;
    },
  };
}

const indexState = (name: string): string =>
  `SELECT pg_relation_filenode('${name}') AS filenode, pg_relation_size('${name}') AS bytes`;

describe('npm start', () => {
  it('brings up everything, looks after the demo database, stops on Ctrl-C and keeps what it has', async () => {
    const home = mkdtempSync(join(tmpdir(), 'slacktide-home-'));
    // As root PostgreSQL runs as another user, who has to pass: else its files would be put, and stay, elsewhere.
    chmodSync(home, 0o711);
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const port = await freePort();
    const first = await start(home, port);
    expect(Object.keys(first.dev).sort()).toEqual([
      'api_key',
      'database_url',
      'redis_url',
      'target_id',
      'target_url',
      'url',
    ]);
    expect(statSync(join(home, 'dev.json')).mode & 0o077).toBe(0);
    expect(first.dev.url).toBe(`http://127.0.0.1:${port}`);
    expect(first.output()).toContain(first.dev.api_key);

    const api = new Api(first.dev.url, first.dev.api_key);
    const shop = new pg.Client({ connectionString: first.dev.target_url });
    await shop.connect();
    const rows = await shop.query('SELECT sum(n_live_tup)::int AS rows FROM pg_stat_user_tables');
    expect(rows.rows[0].rows).toBeGreaterThan(200_000);
    const redis = new Redis(first.dev.redis_url);
    expect(await redis.config('GET', 'maxmemory-policy')).toContain('noeviction');
    redis.disconnect();
    expect(new URL(first.dev.database_url).username, 'the apps own nothing').toBe('slacktide_fleet');
    expect(await api.get('/audit/heads')).toMatchObject({ signature: expect.any(String) });
    const bundles = await api.get<{ items: { id: string; enabled: boolean }[] }>('/schedules');
    expect(bundles.items.map(({ id, enabled }) => [id, enabled]).sort()).toEqual([
      ['daily-maintenance', false],
      ['monthly-maintenance', false],
      ['postgres-care', false],
      ['weekly-maintenance', false],
    ]);

    const before = (await shop.query(indexState('sessions_token_idx'))).rows[0];
    await api.post(
      '/schedules',
      {
        id: 'nightly',
        name: 'Nightly',
        cron_expression: '0 3 * * *',
        target_ids: [first.dev.target_id],
        tasks: ['INDEX_REBUILD', 'STATISTICS_UPDATE'],
      },
      201,
    );
    const job = await api.watch(await api.run('nightly'), undefined, 90_000);
    expect(job.state, JSON.stringify(job)).toBe('SUCCEEDED');
    const after = (await shop.query(indexState('sessions_token_idx'))).rows[0];
    expect(after.filenode).not.toBe(before.filenode);
    expect(Number(after.bytes)).toBeLessThan(Number(before.bytes) / 2);
    await shop.end();

    expect(await first.interrupt()).toBe(0);
    expect(existsSync(join(home, 'dev.json'))).toBe(false);
    await expect(fetch(first.dev.url)).rejects.toThrow();

    const second = await start(home, port);
    expect(second.dev).toEqual(first.dev);
    expect((await new Api(second.dev.url, second.dev.api_key).job(job.id)).state).toBe('SUCCEEDED');
    expect(await second.interrupt()).toBe(0);
  });
});

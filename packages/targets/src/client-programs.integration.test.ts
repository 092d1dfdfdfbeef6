import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { clientPrograms } from './client-programs.ts';
import { parseConnection } from './connection-url.ts';
import { runProcess } from './program-process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'programs-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

async function program(name: string, body: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!${process.execPath}\nconst fs = require('node:fs');\n${body}`);
  await chmod(path, 0o755);
  return path;
}

const connection = 'postgresql://we%20ird@host:5433/shop?sslmode=verify-full';
const login = (env: Readonly<Record<string, string>>, password: string | undefined = 'hunter2') => ({
  address: { connection },
  endpoint: parseConnection(connection),
  password,
  env,
});
const never = new AbortController().signal;

const tells = `console.log(JSON.stringify({ argv: process.argv.slice(2), env: process.env }));`;
const asks = `if (process.argv[2] === '--version') { console.log('pg_repack 1.5.2'); process.exit(0); }\n`;

describe('a program of the worker', () => {
  it('is found by its variable or the PATH, and says its version', async () => {
    const path = await program('pg_repack', asks);
    expect(await clientPrograms(login({ PATH: `/nowhere:${folder}` }), 1_000).version('pg_repack')).toBe('1.5.2');
    expect(await clientPrograms(login({ PG_REPACK: path }), 1_000).version('pg_repack')).toBe('1.5.2');
    for (const env of [{}, { PATH: '/nowhere' }, { PATH: folder, PG_REPACK: 'relative' }]) {
      expect(await clientPrograms(login(env), 1_000).version('pg_repack')).toBeUndefined();
    }
    await program('pg_repack', 'process.exit(1)');
    expect(await clientPrograms(login({ PATH: folder }), 1_000).version('pg_repack')).toBeUndefined();
  });

  it('gets its arguments as they are, past any shell, and the password by its environment alone', async () => {
    await program('pg_repack', tells);
    const args = [`--table=public."we""ird; $(reboot) 'x'"`, '', '*'];
    const env = { PATH: folder, PGHOST: 'elsewhere', PGSERVICE: 'other', SECRET: 'x', HOME: '/home/worker' };
    const run = { applicationName: 'slacktide/t/1', signal: never };
    const end = await clientPrograms(login(env), 1_000).run('pg_repack', args, run);
    const told = JSON.parse(end.output);
    expect(end.exitCode).toBe(0);
    expect(told.argv).toEqual(args);
    expect(told.env).toEqual({
      PATH: folder,
      HOME: '/home/worker',
      LC_ALL: 'C',
      PGHOST: 'host',
      PGPORT: '5433',
      PGUSER: 'we ird',
      PGDATABASE: 'shop',
      PGPASSWORD: 'hunter2',
      PGPASSFILE: '/dev/null',
      PGSSLMODE: 'verify-full',
      PGCONNECT_TIMEOUT: '5',
      PGAPPNAME: 'slacktide/t/1/pg_repack',
      PGOPTIONS: expect.stringMatching(/-c client_connection_check_interval=1s .*-c tcp_user_timeout=6s/),
    });
    const open = await clientPrograms({ ...login(env), password: undefined }, 1_000).run('pg_repack', [], run);
    expect(JSON.parse(open.output).env).not.toHaveProperty('PGPASSWORD');
  });

  it('keeps the end of what it says, and tells how it ended', async () => {
    const path = await program(
      'chatty',
      `process.stdout.write('a'.repeat(50_000), () => { console.error('end'); process.exit(3); });`,
    );
    const end = await runProcess({ path, args: [], env: {}, signal: never, killAfterMs: 1_000 });
    expect(end).toMatchObject({ exitCode: 3 });
    expect(end.output.length).toBeLessThanOrEqual(16 * 1024);
    expect(end.output).toMatch(/end\n$/);
    const missing = { path: join(folder, 'none'), args: [], env: {}, signal: never, killAfterMs: 1_000 };
    await expect(runProcess(missing)).rejects.toMatchObject({ code: 'statement_failed', message: /ENOENT/ });
  });

  it('is interrupted first, and killed when it does not heed that', async () => {
    const started = join(folder, 'started');
    const wait = `fs.writeFileSync(${JSON.stringify(started)}, String(process.pid)); setInterval(() => {}, 1000);`;
    for (const [name, heeds] of [
      ['polite', `process.on('SIGINT', () => process.exit(0));`],
      ['stubborn', `process.on('SIGINT', () => {});`],
    ] as const) {
      await rm(started, { force: true });
      const path = await program(name, `${heeds}\n${wait}`);
      const stop = new AbortController();
      const running = runProcess({ path, args: [], env: {}, signal: stop.signal, killAfterMs: 100 });
      const ended = expect(running).rejects.toMatchObject({ code: 'cancelled' });
      await expect.poll(() => existsSync(started), { interval: 20 }).toBe(true);
      stop.abort();
      await ended;
    }
    await expect(
      runProcess({ path: '/none', args: [], env: {}, signal: AbortSignal.abort(), killAfterMs: 1 }),
    ).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('does not outlive a worker that was killed', async () => {
    const started = join(folder, 'started');
    const interrupted = join(folder, 'interrupted');
    const path = await program(
      'long',
      `process.on('SIGINT', () => { fs.writeFileSync(${JSON.stringify(interrupted)}, ''); process.exit(0); });
fs.writeFileSync(${JSON.stringify(started)}, ''); setInterval(() => {}, 1000);`,
    );
    const worker = join(folder, 'worker.mjs');
    await writeFile(
      worker,
      `import { runProcess } from ${JSON.stringify(new URL('./program-process.ts', import.meta.url).href)};
await runProcess({ path: ${JSON.stringify(path)}, args: [], env: {}, signal: new AbortController().signal, killAfterMs: 1000 });`,
    );
    const child: ChildProcess = spawn(process.execPath, [worker], { stdio: 'inherit' });
    await expect.poll(() => existsSync(started), { interval: 20, timeout: 50_000 }).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => existsSync(interrupted), { interval: 20 }).toBe(true);
    expect(await readFile(interrupted, 'utf8')).toBe('');
  });
});

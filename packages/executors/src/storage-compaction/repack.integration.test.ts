import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Executor } from '@slacktide/application/ports';
import { createPostgresGateway } from '@slacktide/targets';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runExecutor } from '../../../../test/support/run-executor.ts';
import { type FreshTarget, freshTarget } from '../../../../test/support/target.ts';
import type { CompactionFacts } from './facts.ts';
import { storageCompaction } from './index.ts';
import type { StorageCompactionConfig } from './schema.ts';

/** What the program was told, as it wrote it down. */
interface Told {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface FakeProgram {
  readonly env: Readonly<Record<string, string>>;
  /** Waits until it was started. */
  told(): Promise<Told>;
  /** Lets it end. */
  end(exitCode: number, output: string): Promise<void>;
  interrupted(): boolean;
}

/**
 * Stands for pg_repack, which the servers of the tests do not have: writes down what it is told, and then waits to be let go. Ends at SIGINT, as pg_repack does.
 */
async function fakeRepack(target: FreshTarget): Promise<FakeProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'fake-repack-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = (name: string): string => join(folder, name);
  const script = `#!${process.execPath}
const fs = require('node:fs');
if (process.argv[2] === '--version') { console.log('pg_repack 1.5.1'); process.exit(0); }
process.on('SIGINT', () => { fs.writeFileSync(${JSON.stringify(file('interrupted'))}, ''); process.exit(1); });
fs.writeFileSync(${JSON.stringify(file('told.part'))}, JSON.stringify({ argv: process.argv.slice(2), env: process.env }));
fs.renameSync(${JSON.stringify(file('told.part'))}, ${JSON.stringify(file('told'))});
setInterval(() => {
  if (!fs.existsSync(${JSON.stringify(file('end'))})) return;
  const { exitCode, output } = JSON.parse(fs.readFileSync(${JSON.stringify(file('end'))}, 'utf8'));
  console.error(output);
  process.exit(exitCode);
}, 20);
`;
  await writeFile(file('pg_repack'), script);
  await chmod(file('pg_repack'), 0o755);
  return {
    env: {
      ...target.env,
      PATH: `relative:${folder}`,
      PGHOST: 'elsewhere',
      PGPASSWORD: 'of another',
      DATABASE_URL: 'secret',
    },
    told: async () => {
      await expect.poll(() => existsSync(file('told')), { interval: 20 }).toBe(true);
      return JSON.parse(await readFile(file('told'), 'utf8'));
    },
    end: async (exitCode, output) => {
      await writeFile(file('end.part'), JSON.stringify({ exitCode, output }));
      await rename(file('end.part'), file('end'));
    },
    interrupted: () => existsSync(file('interrupted')),
  };
}

/** As on a server that has the extension: its version is all that is not real. */
const withExtension: Executor<StorageCompactionConfig, CompactionFacts> = {
  ...storageCompaction,
  plan: (facts, config) =>
    storageCompaction.plan(
      { ...facts, repack: { ...facts.repack, extensionVersion: '1.5.1', programVersion: '1.5.1', superuser: true } },
      config,
    ),
};

/** As pg_repack names what it makes, and as repack.repack_drop() of 1.5 removes it. */
async function makeLeftovers({ owner }: FreshTarget): Promise<void> {
  await owner.query(`
    DO $$ BEGIN
      EXECUTE format('CREATE TABLE repack.log_%s (id bigint)', 'public.t'::regclass::oid);
      EXECUTE format('CREATE TABLE repack.table_%s (id bigint)', 'public.t'::regclass::oid);
    END $$;
    CREATE TRIGGER repack_trigger AFTER INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION repack.repack_trigger()`);
}

async function leftovers({ owner }: FreshTarget): Promise<number> {
  const { rows } = await owner.query(`
    SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'repack'::regnamespace)::int
      + (SELECT count(*) FROM pg_trigger WHERE tgname = 'repack_trigger')::int AS n`);
  return rows[0]?.n;
}

async function setup(major: 14 | 18): Promise<{ target: FreshTarget; program: FakeProgram }> {
  const target = await freshTarget(major);
  await target.owner.query(`
    CREATE TABLE public.t (id int PRIMARY KEY, note text);
    INSERT INTO public.t SELECT g, repeat('x', 50) FROM generate_series(1, 2000) g;
    CREATE SCHEMA repack;
    CREATE FUNCTION repack.repack_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION repack.repack_drop(relid oid, numobj int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
      EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', relid::regclass);
      EXECUTE format('DROP TABLE IF EXISTS repack.log_%s CASCADE', relid);
      EXECUTE format('DROP TRIGGER IF EXISTS repack_trigger ON %s', relid::regclass);
      EXECUTE format('DROP TABLE IF EXISTS repack.table_%s CASCADE', relid);
    END $$`);
  return { target, program: await fakeRepack(target) };
}

const config = { tables: ['public.t'], method: 'pg_repack', lock_timeout_seconds: 7 };

describe.each([14, 18] as const)('STORAGE_COMPACTION by a stand-in for pg_repack on PostgreSQL %i', (major) => {
  it('tells it never to end anybody, and the password by its environment alone', async () => {
    const { target, program } = await setup(major);
    const running = runExecutor({ ...target, env: program.env }, withExtension, config);
    const { argv, env } = await program.told();
    expect(argv).toEqual(['--no-kill-backend', '--wait-timeout=7', '--no-order', '--no-password', '--table=public.t']);
    const { hostname, port } = new URL(target.url);
    expect(env).toMatchObject({
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: target.role,
      PGDATABASE: target.database,
      PGPASSWORD: target.env['TARGET_PASSWORD'],
      PGPASSFILE: '/dev/null',
      PGSSLMODE: 'disable',
      PGAPPNAME: 'slacktide/test/1/pg_repack',
      PGOPTIONS: expect.stringContaining('client_connection_check_interval=1s'),
    });
    expect(env).not.toHaveProperty('DATABASE_URL');
    expect(env).not.toHaveProperty('TARGET_PASSWORD');
    expect(argv.join(' ')).not.toContain(target.env['TARGET_PASSWORD']);
    // What pg_repack would do.
    await target.owner.query('VACUUM (FULL) public.t');
    await program.end(0, 'INFO: repacking table "public.t"');
    const { outcomes, effects, remnants } = await running;
    expect(outcomes).toMatchObject([{ kind: 'done', result: { stages: [{ method: 'repack' }] } }]);
    expect(effects).toMatchObject([{ action: 'repack', object: 'public.t' }]);
    expect(remnants).toMatchObject([{ kind: 'table', proof: { table: 'public.t' }, closed: { outcome: 'absent' } }]);
  });

  it('does not believe its success, and removes what it left', async () => {
    const { target, program } = await setup(major);
    const running = runExecutor({ ...target, env: program.env }, withExtension, config);
    await program.told();
    await makeLeftovers(target);
    const output = 'WARNING: timed out, do not cancel conflicting backends\nDETAIL: Key (name)=(Ann) exists.';
    await program.end(0, output);
    const { outcomes, remnants } = await running;
    expect(outcomes).toMatchObject([
      { kind: 'failed', error: { code: 'lock_timeout', message: /still in its old file.*timed out/ } },
    ]);
    expect(JSON.stringify(outcomes)).not.toContain('Ann');
    expect(remnants).toMatchObject([{ closed: { outcome: 'swept' } }]);
    expect(await leftovers(target)).toBe(0);
  });

  it('interrupts it when told to stop, and removes what it left', async () => {
    const { target, program } = await setup(major);
    const cancel = new AbortController();
    const running = runExecutor({ ...target, env: program.env }, withExtension, config, {
      signal: cancel.signal,
    }).catch((error: unknown) => error);
    await program.told();
    await makeLeftovers(target);
    cancel.abort();
    expect(await running).toMatchObject({ code: 'cancelled' });
    expect(program.interrupted()).toBe(true);
    expect(await leftovers(target)).toBe(0);
  });

  it('keeps its hands off another pg_repack, and off what that left', async () => {
    const { target, program } = await setup(major);
    const { rows } = await target.owner.query(`SELECT 'public.t'::regclass::oid::int AS oid`);
    const other = await target.connect();
    await other.query('SELECT pg_advisory_lock(16185446, (-2147483648 + $1::bigint)::int)', [rows[0]?.oid]);
    const atWork = await runExecutor({ ...target, env: program.env }, withExtension, config);
    expect(atWork.outcomes).toMatchObject([{ kind: 'skipped', reason: 'pg_repack_leftover' }]);
    await other.query('SELECT pg_advisory_unlock_all()');
    await makeLeftovers(target);
    const left = await runExecutor({ ...target, env: program.env }, withExtension, config);
    expect(left).toMatchObject({ steps: [], skipped: [{ reason: expect.stringMatching(/^pg_repack_leftover/) }] });
    expect(await leftovers(target)).toBe(3);
  });

  it('does not begin while a transaction is open that it would have to wait for', async () => {
    const { target, program } = await setup(major);
    const other = await target.connect();
    await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await other.query('SELECT 1');
    const patience = { ...config, max_transaction_age_seconds: 0 };
    const { outcomes, remnants } = await runExecutor({ ...target, env: program.env }, withExtension, patience);
    expect(outcomes).toMatchObject([
      { kind: 'skipped', reason: 'blocked', result: { blockers: [{ why: 'snapshot' }] } },
    ]);
    expect(remnants).toEqual([]);
  });

  it('sweeps after a crash what the record says is its own, once no pg_repack is at work any more', async () => {
    const { target } = await setup(major);
    await makeLeftovers(target);
    const { rows } = await target.owner.query(`
      SELECT 'public.t'::regclass::oid::int AS table_oid, current_database() AS database, system_identifier::text FROM pg_control_system()`);
    const proof = { method: 'pg_repack', table: 'public.t', application_name: 'slacktide/test/1', ...rows[0] };
    const remnant = {
      id: 1,
      targetId: 't',
      taskId: 't',
      taskType: 'STORAGE_COMPACTION',
      fence: 1,
      recordedAt: new Date(),
      kind: 'table' as const,
    };
    const sweep = (changed: object) =>
      createPostgresGateway({ env: target.env }).act(
        target.address,
        { applicationName: 'slacktide/test/2', statementTimeoutMs: 60_000, signal: new AbortController().signal },
        async (session) =>
          await storageCompaction.sweep?.(session, { ...remnant, proof: { ...proof, ...changed } }, {} as never),
      );
    expect(await sweep({ system_identifier: '1' })).toMatchObject({ outcome: 'kept' });
    expect(await leftovers(target)).toBe(3);
    const other = await target.connect();
    await other.query('SELECT pg_advisory_lock(16185446, (-2147483648 + $1::bigint)::int)', [rows[0]?.table_oid]);
    await expect(sweep({})).rejects.toMatchObject({ code: 'lock_timeout' });
    await other.query('SELECT pg_advisory_unlock_all()');
    expect(await sweep({})).toMatchObject({ outcome: 'swept' });
    expect(await leftovers(target)).toBe(0);
    expect(await sweep({})).toMatchObject({ outcome: 'absent' });
  });
});

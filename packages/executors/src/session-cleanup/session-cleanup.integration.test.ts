import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse } from 'libpg-query';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres, withDatabase } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { countFindings } from '../../test/count-findings.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { sessionCleanup } from './index.ts';
import type { SessionCleanupConfig } from './schema.ts';

/** Everything that goes on has gone on for too long. */
const atOnce: Partial<SessionCleanupConfig> = {
  stale_lock_seconds: 0,
  idle_in_transaction_seconds: 0,
  long_statement_seconds: 0,
};
const checksAtOnce = {
  stale_advisory_lock: { stale_after_seconds: 0 },
  stale_operation: { stale_after_seconds: 0, idle_in_transaction_seconds: 0 },
};

async function setup(adminUrl: string) {
  const app = await createRole(adminUrl);
  const rig = await openRig(await createDatabase(adminUrl));
  const [{ url } = { url: '' }] = await rig.sql<{ url: string }>('SELECT current_database() AS url');
  const databaseUrl = withDatabase(adminUrl, url);
  await rig.sql(`CREATE TABLE public.t (n int); GRANT ALL ON TABLE public.t TO ${app.name}`);
  /** A session of an ordinary role. */
  const connect = async (applicationName: string, options: pg.ClientConfig = {}) => {
    const connectionString = app.urlOf(databaseUrl);
    const client = new pg.Client({ connectionString, application_name: applicationName, ...options });
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.end().catch(() => undefined));
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    return { client, pid: Number(rows[0].pid) };
  };
  const inTransaction = async (applicationName: string, sql = 'SELECT 1', options: pg.ClientConfig = {}) => {
    const session = await connect(applicationName, options);
    await session.client.query('BEGIN');
    await session.client.query(sql);
    return session;
  };
  const alive = async (...pids: number[]): Promise<number[]> =>
    (await rig.sql<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid = ANY ($1) ORDER BY pid', [pids])).map(
      ({ pid }) => pid,
    );
  return { rig, app, databaseUrl, connect, inTransaction, alive };
}

async function until(rig: TargetRig, pid: number, waitEvent: string): Promise<void> {
  await expect
    .poll(async () => (await rig.sql('SELECT wait_event FROM pg_stat_activity WHERE pid = $1', [pid]))[0])
    .toEqual({ wait_event: waitEvent });
}

/** A session at a statement that ends only by a signal. */
async function atStatement(
  { rig, connect }: Awaited<ReturnType<typeof setup>>,
  applicationName: string,
  sql: string,
  event: string,
) {
  const session = await connect(applicationName);
  const outcome = session.client.query(sql).then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );
  await until(rig, session.pid, event);
  return { ...session, outcome };
}

/** Catches its cancel, and sleeps on. */
const deafToCancel =
  'DO $$BEGIN LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END$$';

describe.each(majors)('SESSION_CLEANUP on PostgreSQL %i', (major) => {
  it('ends each kind of stale session, and the checks find nothing any more', async () => {
    const made = await setup(inject('targetUrls')[major]);
    await using rig = made.rig;
    const holder = await made.connect('abandoned');
    await holder.client.query('SELECT pg_advisory_lock(42), pg_advisory_lock(7, 8)');
    const idle = await made.inTransaction('we"ird; --', `LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE`);
    await idle.client.query(`SELECT 'secret'`);
    const waiter = await atStatement(made, 'waiter', 'SELECT n FROM public.t', 'relation');
    const long = await atStatement(made, 'report', `SELECT pg_sleep(600), 'secret'`, 'PgSleep');
    expect(await countFindings(rig, checksAtOnce)).toBeGreaterThan(3);

    const careful = await rig.run(sessionCleanup, { ...atOnce, stale_locks: false, idle_in_transaction: false });
    expect(careful.steps).toEqual([]);
    expect(await made.alive(holder.pid, idle.pid, long.pid)).toHaveLength(3);

    const { plan, steps } = await rig.run(sessionCleanup, { ...atOnce, long_statements: true });
    for (const text of plan?.steps.flatMap(({ statements }) => statements) ?? []) {
      const { stmts = [] } = await parse(text);
      expect(stmts.map(({ stmt }) => Object.keys(stmt ?? {}))).toEqual([['SelectStmt']]);
    }
    expect(JSON.stringify([plan, steps])).not.toContain('secret');
    expect(steps.map(({ outcome }) => outcome)).toMatchObject([
      {
        kind: 'done',
        result: {
          ended: 'terminated',
          pid: idle.pid,
          application: 'we"ird; --',
          user: made.app.name,
          reasons: ['idle_in_transaction'],
          statement: 'SELECT ?',
          blocked: [{ pid: waiter.pid, application: 'waiter' }],
        },
        audit: [{ action: 'session.terminate', after: { pid: idle.pid, statement: 'SELECT ?' } }],
      },
      { kind: 'done', result: { ended: 'terminated', pid: holder.pid, reasons: ['stale_lock'] } },
      {
        kind: 'done',
        result: { ended: 'cancelled', pid: long.pid, reasons: ['long_statement'], statement: 'SELECT pg_sleep(?), ?' },
        audit: [{ action: 'session.cancel' }],
      },
    ]);
    expect(steps[1]?.step.data).toMatchObject({ advisory_locks: ['42', '7,8'] });
    expect(sessionCleanup.summarise?.(steps)).toEqual({ terminated: 2, cancelled: 1, rolled_back: 0 });
    expect(await made.alive(holder.pid, idle.pid, long.pid)).toEqual([long.pid]);
    expect(await long.outcome).toBe('57014');
    expect(await waiter.outcome).toBe('done');
    expect(await countFindings(rig, checksAtOnce)).toBe(0);
  });

  it('touches nobody who is protected', async () => {
    const made = await setup(inject('targetUrls')[major]);
    await using rig = made.rig;
    await rig.sql(`ALTER ROLE ${made.app.name} REPLICATION`);
    const allowed = await createRole(inject('targetUrls')[major]);
    const protectedOnes = [
      await made.inTransaction('pg_dump'),
      await made.inTransaction('slacktide/task/9'),
      await made.inTransaction('billing-2'),
      await made.inTransaction('theirs', 'SELECT 1', { connectionString: allowed.urlOf(made.databaseUrl) }),
      await made.inTransaction('walsender', 'SELECT 1', { replication: 'database' } as pg.ClientConfig),
    ];
    const superuser = await rig.connect({ applicationName: 'admin' });
    await superuser.query('BEGIN; SELECT pg_advisory_lock(1)');
    const keyed = await made.connect('keyed');
    await keyed.client.query('SELECT pg_advisory_lock(5, 6)');
    const { plan, steps } = await rig.run(sessionCleanup, {
      ...atOnce,
      long_statements: true,
      allow_applications: ['billing-%'],
      allow_roles: [allowed.name],
      allow_keys: ['5,%'],
    });
    expect(steps).toEqual([]);
    expect(new Set(plan?.skipped.map(({ reason }) => reason))).toEqual(
      new Set(['ignored_application', 'ignored_role', 'ignored_key', 'not_a_client', 'superuser']),
    );
    const pids = protectedOnes.map(({ pid }) => pid);
    expect(await made.alive(...pids)).toHaveLength(pids.length);
    expect(await superuser.query('SELECT 1 AS one')).toMatchObject({ rows: [{ one: 1 }] });
    for (const { client } of protectedOnes) await client.query('ROLLBACK');
    await superuser.query('ROLLBACK');
  });
});

describe.each([14, 18] as const)('SESSION_CLEANUP, oldest and newest: PostgreSQL %i', (major) => {
  it('leaves alone who did anything since the plan, and who only has the pid of the one it found', async () => {
    const made = await setup(inject('targetUrls')[major]);
    await using rig = made.rig;
    const busy = await made.inTransaction('busy');
    const beforeSteps = async () => void (await busy.client.query('SELECT 2'));
    expect((await rig.run(sessionCleanup, atOnce, { beforeSteps })).steps).toMatchObject([
      { outcome: { kind: 'skipped', reason: 'moved_on' } },
    ]);
    // Another session under this pid began at another time: the statement itself does not find it.
    const rewrite = (statement: string) =>
      statement.replace(/backend_start = '[^']+'/, `backend_start = '2026-01-01 00:00:00+00'`);
    expect((await rig.run(sessionCleanup, atOnce, { rewrite })).steps).toMatchObject([
      { outcome: { kind: 'skipped', reason: 'moved_on' } },
    ]);
    const end = async () => void (await busy.client.end());
    expect(await made.alive(busy.pid)).toEqual([busy.pid]);
    const gone = await rig.run(sessionCleanup, atOnce, {
      beforeSteps: async () => {
        await end();
        await expect.poll(() => made.alive(busy.pid)).toEqual([]);
      },
    });
    expect(gone.steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'gone' } }]);
  });

  it('ends no more than it may, those in the way of others first', async () => {
    const made = await setup(inject('targetUrls')[major]);
    await using rig = made.rig;
    const older = [await made.inTransaction('one'), await made.inTransaction('two')];
    const blocker = await made.inTransaction('blocker', 'LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE');
    const waiter = await atStatement(made, 'waiter', 'SELECT n FROM public.t', 'relation');
    const { plan, steps } = await rig.run(sessionCleanup, { ...atOnce, max_sessions: 2 });
    expect(steps.map(({ step }) => step.data['application'])).toEqual(['blocker', 'one']);
    expect(plan?.skipped).toContainEqual({
      object: expect.stringMatching(`^pid ${older[1]?.pid}, since`),
      reason: 'over_max_sessions',
    });
    expect(await made.alive(blocker.pid, ...older.map(({ pid }) => pid))).toEqual([older[1]?.pid]);
    expect(await waiter.outcome).toBe('done');
  });

  it('knows whom it may not end, and which GRANT lets it', async () => {
    const adminUrl = inject('targetUrls')[major];
    const made = await setup(adminUrl);
    await using rig = made.rig;
    const care = await createRole(adminUrl, 'IN ROLE pg_read_all_stats');
    await rig.sql(`ALTER ROLE ${care.name} PASSWORD 'postgres'`);
    const idle = await made.inTransaction('idle');
    const grant = `GRANT pg_signal_backend TO ${care.name}`;
    const { plan, steps } = await rig.run(sessionCleanup, atOnce, { as: care.name });
    expect(steps).toEqual([]);
    expect(plan?.unknown).toContainEqual({ object: `pid ${idle.pid}`, reason: 'insufficient_privilege', grant });
    await rig.sql(grant);
    expect((await rig.run(sessionCleanup, atOnce, { as: care.name })).steps).toMatchObject([
      { outcome: { kind: 'done', result: { ended: 'terminated' } } },
    ]);
    // The right is taken away between plan and step.
    await made.inTransaction('idle');
    const beforeSteps = async () => void (await rig.sql(`REVOKE pg_signal_backend FROM ${care.name}`));
    expect((await rig.run(sessionCleanup, atOnce, { as: care.name, beforeSteps })).steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'insufficient_privilege', detail: { grant } } } },
    ]);
  });

  it('tells what it did when it is stopped with the signal sent', async () => {
    const made = await setup(inject('targetUrls')[major]);
    await using rig = made.rig;
    const slow = await atStatement(made, 'deaf', deafToCancel, 'PgSleep');
    const stop = new AbortController();
    const { steps } = await rig.run(
      sessionCleanup,
      { ...atOnce, long_statements: true },
      { signal: stop.signal, onProgress: () => stop.abort() },
    );
    expect(steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'not_verified' }, audit: [{ action: 'session.cancel' }] } },
    ]);
    expect(await made.alive(slow.pid)).toEqual([slow.pid]);
  });

  it('cancels before it terminates, as the log of the server shows, and rolls back what is named', async () => {
    const flags = ['log_statement=all', 'max_prepared_transactions=3', 'log_line_prefix=%a|'];
    const server = await startPostgres(major, { flags });
    onTestFinished(() => server.stop());
    const made = await setup(server.url);
    await using rig = made.rig;
    const deaf = await atStatement(made, 'deaf', deafToCancel, 'PgSleep');
    const gid = `it's; --`;
    await rig.sql(`BEGIN; INSERT INTO public.t VALUES (1); PREPARE TRANSACTION 'it''s; --'`);
    await rig.sql(`BEGIN; INSERT INTO public.t VALUES (2); PREPARE TRANSACTION 'other'`);
    const { steps } = await rig.run(sessionCleanup, {
      ...atOnce,
      long_statements: true,
      cancel_wait_seconds: 1,
      rollback_prepared: [gid, 'no such'],
    });
    expect(steps).toMatchObject([
      { outcome: { kind: 'done', result: { ended: 'terminated', pid: deaf.pid, reasons: ['long_statement'] } } },
      {
        step: { statements: [`ROLLBACK PREPARED 'it''s; --'`] },
        outcome: { kind: 'done', result: { gid }, audit: [{ action: 'transaction.rollback_prepared' }] },
      },
    ]);
    expect(await rig.sql('SELECT gid FROM pg_prepared_xacts')).toEqual([{ gid: 'other' }]);
    await rig.sql(`ROLLBACK PREPARED 'other'`);
    const log = await readFile(join(dirname(server.dataDir), 'postgres.log'), 'utf8');
    const sent = log
      .split('\n')
      .filter((line) => line.startsWith('slacktide/test/1|') && /pg_(cancel|terminate)_backend\(a/.test(line));
    expect(sent.map((line) => /pg_(cancel|terminate)_backend/.exec(line)?.[1])).toEqual(['cancel', 'terminate']);
    for (const line of sent) expect(line).toMatch(/backend_start = '.+' *::.*state_change = '/);
    expect(log).toContain('deaf|FATAL:  terminating connection due to administrator command');
  });
});

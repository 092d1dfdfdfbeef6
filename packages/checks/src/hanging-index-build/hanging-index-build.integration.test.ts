import type { CheckReport } from '@slacktide/domain';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { hangingIndexBuild } from './index.ts';
import type { HangingIndexBuildConfig } from './schema.ts';

const schema = `
CREATE SCHEMA "wei'rd ""s";
CREATE TABLE "wei'rd ""s"."we""ird; --" (n int);
CREATE INDEX "old; --" ON "wei'rd ""s"."we""ird; --" (n);
CREATE TABLE public.t (n int); INSERT INTO public.t VALUES (1), (2);
CREATE TABLE public.other (n int);
CREATE FUNCTION public.locking(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN n; END';
CREATE FUNCTION public.sleeping(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF n = 600 THEN PERFORM pg_sleep(600); END IF; RETURN n; END';
CREATE TABLE public.big AS SELECT n FROM generate_series(1, 1000) AS n;`;

/** At once: whoever waits, hangs. */
const atOnce = { waiting_minutes: 0 };
/** Waits passed over in a moment have no blockers. */
const hung = {
  findings: [{ evidence: { blockers: expect.arrayContaining([expect.anything()]) } }],
  figures: { hanging_builds: 1 },
};
const settled = (query: Promise<unknown>): Promise<unknown> => query.catch((error: unknown) => error);
const pidOf = async (client: pg.Client): Promise<number> =>
  (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;

describe.each(majors)('hanging_index_build on PostgreSQL %i', (major) => {
  let rig: CheckRig;
  beforeAll(async () => {
    rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(schema);
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const run = (config: Partial<HangingIndexBuildConfig> = atOnce, as?: string) =>
    rig.run(hangingIndexBuild, config, as === undefined ? {} : { as });
  /** Until the build is seen to wait for somebody. First from another database: a snapshot in its own, ours too, would be one more to wait for. */
  const runUntilHung = async (): Promise<CheckReport> => {
    const [{ database } = { database: '' }] = await rig.sql<{ database: string }>(
      'SELECT current_database() AS database',
    );
    const waits = `SELECT FROM pg_stat_progress_create_index AS p JOIN pg_stat_activity AS a USING (pid)
      WHERE p.datname = $1 AND a.wait_event_type = 'Lock'`;
    const elsewhere = new pg.Client({ connectionString: inject('targetUrls')[major] });
    await elsewhere.connect();
    onTestFinished(() => elsewhere.end());
    await expect.poll(async () => (await elsewhere.query(waits, [database])).rowCount).toBeGreaterThan(0);
    let report = await run();
    await expect
      .poll(async () => {
        report = await run();
        return report;
      })
      .toMatchObject(hung);
    return report;
  };

  it('finds nothing where nothing is built', async () => {
    expect(await run()).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [],
      unjudged: [],
      figures: { active_builds: 0, hanging_builds: 0 },
    });
  });

  it('finds a unique create that waits for an idle transaction, and ends that one when told to', async () => {
    const idle = await rig.connect({ applicationName: `app; 'x'` });
    const builder = await rig.connect({ applicationName: 'builder' });
    const idlePid = await pidOf(idle);
    await idle.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await idle.query(`SELECT n FROM public.other WHERE n = 4711 AND 'secret' <> 'x'`);
    const building = builder.query(
      `CREATE UNIQUE INDEX CONCURRENTLY "new; --" ON "wei'rd ""s"."we""ird; --" (n) WHERE n <> 4711`,
    );
    const report = await runUntilHung();
    expect(report).toMatchObject({
      checked: 1,
      figures: { active_builds: 1, hanging_builds: 1, concurrent_builds_may_corrupt: false },
      findings: [
        {
          fingerprint: `index:wei'rd "s.new; --`,
          severity: 'warning',
          object: { kind: 'index', schema: `wei'rd "s`, name: 'new; --', table: 'we"ird; --' },
          summary: expect.stringMatching(
            new RegExp(
              `waiting for old snapshots" for session ${idlePid} \\(user postgres, application "app; 'x'", idle in transaction\\)$`,
            ),
          ),
          evidence: {
            command: 'CREATE INDEX CONCURRENTLY',
            phase: 'waiting for old snapshots',
            hangs: 'waiting',
            waited_seconds: expect.any(Number),
            application: 'builder',
            lockers_done: 0,
            lockers_total: 1,
            query: `CREATE UNIQUE INDEX CONCURRENTLY "new; --" ON "wei'rd ""s"."we""ird; --" (n) WHERE n <> ?`,
            blockers: [
              {
                depth: 1,
                pid: idlePid,
                user: 'postgres',
                application: `app; 'x'`,
                backend_type: 'client backend',
                state: 'idle in transaction',
                transaction_seconds: expect.any(Number),
                waits_for: [],
                query: 'SELECT n FROM public.other WHERE n = ? AND ? <> ?',
              },
            ],
            action_ends: idlePid,
          },
          action: {
            class: 'never_retry',
            lockMode: null,
            rollbackSql: [],
            sql: [expect.stringContaining(`a.pid = ${idlePid} AND a.backend_start = '`)],
          },
        },
      ],
    });
    expect(await run({})).toMatchObject({ checked: 1, findings: [], figures: { active_builds: 1, hanging_builds: 0 } });
    await seenByOthers(idlePid);

    const action = report.findings[0]?.action?.sql ?? [];
    await idle.query('SELECT 1');
    // It has done something since: then it is left alone.
    await rig.execute(action);
    expect(await run()).toMatchObject(hung);
    await rig.execute((await run()).findings[0]?.action?.sql ?? []);
    await building;
    expect(await run()).toMatchObject({ findings: [], figures: { active_builds: 0 } });
  });

  /** A role with pg_monitor sees it all, and may not end it; one without any right cannot see it. */
  async function seenByOthers(idlePid: number): Promise<void> {
    const [monitor, nobody] = [`monitor_${major}_hb`, `nobody_${major}_hb`];
    await rig.sql(
      `CREATE ROLE ${monitor} LOGIN PASSWORD 'postgres' IN ROLE pg_monitor; CREATE ROLE ${nobody} LOGIN PASSWORD 'postgres'`,
    );
    expect(await run(atOnce, monitor)).toMatchObject({
      unknown: [],
      findings: [
        {
          action: null,
          evidence: { blockers: [{ pid: idlePid }], no_action_because: expect.stringMatching(/superuser/) },
        },
      ],
    });
    expect(await run(atOnce, nobody)).toMatchObject({
      checked: 0,
      findings: [],
      unjudged: 'all',
      unknown: [{ object: `wei'rd "s.we"ird; --`, grant: `GRANT pg_read_all_stats TO ${nobody}` }],
      figures: { active_builds: 1, hanging_builds: 0, hidden_builds: 1 },
    });
    await using elsewhere = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    expect(await elsewhere.run(hangingIndexBuild, atOnce)).toMatchObject({ checked: 0, figures: { active_builds: 0 } });
    await rig.sql(`DROP ROLE ${monitor}, ${nobody}`);
  }

  it('follows the chain to the idle session at its root, which is not the one REINDEX waits for', async () => {
    const [root, between, builder] = [await rig.connect(), await rig.connect(), await rig.connect()];
    await root.query('BEGIN; LOCK TABLE public.other IN ACCESS EXCLUSIVE MODE');
    await between.query('BEGIN; INSERT INTO public.t VALUES (3)');
    const [rootPid, betweenPid] = [await pidOf(root), await pidOf(between)];
    const working = settled(between.query('SELECT FROM public.other; COMMIT'));
    const building = settled(builder.query('CREATE INDEX CONCURRENTLY t_n ON public.t (n)'));
    const { findings } = await runUntilHung();
    expect(findings).toMatchObject([
      {
        object: { kind: 'index', name: 't_n', table: 't' },
        evidence: {
          phase: 'waiting for writers before build',
          blockers: [
            { depth: 1, pid: betweenPid, state: 'active', waits_for: [rootPid] },
            { depth: 2, pid: rootPid, state: 'idle in transaction', waits_for: [] },
          ],
          action_ends: rootPid,
        },
      },
    ]);
    await rig.execute(findings[0]?.action?.sql ?? []);
    await Promise.all([working, building]);
    expect(await run()).toMatchObject({ findings: [] });
  });

  it('proposes nothing against a session that works, or is not in a transaction', async () => {
    const [busy, reindexer] = [await rig.connect(), await rig.connect()];
    const busyPid = await pidOf(busy);
    await busy.query('BEGIN; SELECT FROM public.t');
    const working = settled(busy.query('SELECT pg_sleep(600)'));
    const sleeps = `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep' AND backend_xmin IS NOT NULL`;
    await expect.poll(() => rig.sql(sleeps, [busyPid])).toHaveLength(1);
    const reindexing = settled(reindexer.query(`REINDEX INDEX CONCURRENTLY public.t_n`));
    expect((await runUntilHung()).findings).toMatchObject([
      {
        // Its snapshot holds REINDEX up before its lock does.
        evidence: {
          command: 'REINDEX CONCURRENTLY',
          phase: 'waiting for old snapshots',
          no_action_because: `session ${busyPid} is active, not idle in a transaction: it may end by itself`,
        },
        action: null,
      },
    ]);
    await rig.sql('SELECT pg_cancel_backend($1)', [busyPid]);
    await working;
    await busy.query('ROLLBACK');
    await reindexing;

    const [holder, creator] = [await rig.connect(), await rig.connect()];
    await holder.query('SELECT pg_advisory_lock(7)');
    const creating = settled(creator.query('CREATE INDEX t_locking ON public.t (public.locking(n))'));
    expect((await runUntilHung()).findings).toMatchObject([
      {
        fingerprint: 'table:public.t',
        object: { kind: 'table', name: 't', table: 't' },
        evidence: {
          command: 'CREATE INDEX',
          wait_event: 'Lock: advisory',
          no_action_because: expect.stringMatching(/is idle, not idle in a transaction/),
        },
        action: null,
      },
    ]);
    await holder.query('SELECT pg_advisory_unlock(7)');
    await creating;
  });

  it('finds a build at work whose counters stand still, by its own earlier looks', async () => {
    const creator = await rig.connect();
    const pid = await pidOf(creator);
    const creating = settled(
      creator.query('CREATE INDEX CONCURRENTLY big_sleeping ON public.big (public.sleeping(n))'),
    );
    await expect
      .poll(() => rig.sql(`SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'`, [pid]))
      .toHaveLength(1);
    const start = Date.now();
    const look = (minutes: number) => rig.run(hangingIndexBuild, {}, { now: new Date(start + 60_000 * minutes) });
    expect(await look(0)).toMatchObject({ checked: 1, findings: [] });
    expect(await look(70)).toMatchObject({ checked: 1, findings: [] });
    expect((await look(90)).findings).toMatchObject([
      {
        object: { kind: 'index', name: 'big_sleeping' },
        summary:
          'CREATE INDEX CONCURRENTLY of public.big_sleeping on public.big has made no progress for 90 minutes in phase "building index: scanning table"',
        evidence: {
          hangs: 'working',
          waited_seconds: 5_400,
          wait_event: 'Timeout: PgSleep',
          no_action_because: expect.any(String),
        },
        action: null,
      },
    ]);
    await rig.sql('SELECT pg_cancel_backend($1)', [pid]);
    await creating;
    expect((await look(100)).findings).toEqual([]);
  });
});

it('names a prepared transaction, and leaves it alone', async () => {
  const server = await startPostgres(18, { flags: ['max_prepared_transactions=2'] });
  onTestFinished(() => server.stop());
  await using rig = await openCheckRig(await createDatabase(server.url));
  await rig.sql('CREATE TABLE public.t (n int)');
  await rig.sql(`BEGIN; INSERT INTO public.t VALUES (1); PREPARE TRANSACTION 'half done'`);
  const builder = await rig.connect();
  const building = settled(builder.query('CREATE INDEX CONCURRENTLY t_n ON public.t (n)'));
  await expect.poll(() => rig.run(hangingIndexBuild, atOnce)).toMatchObject(hung);
  expect((await rig.run(hangingIndexBuild, atOnce)).findings).toMatchObject([
    {
      summary: expect.stringMatching(/for prepared transaction "half done"$/),
      evidence: {
        blockers: [{ pid: null, prepared_transaction: 'half done' }],
        no_action_because: expect.stringMatching(/half done/),
      },
      action: null,
    },
  ]);
  await rig.sql(`ROLLBACK PREPARED 'half done'`);
  await building;
});

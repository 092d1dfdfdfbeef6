import type { StepOutcome } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { startReplicaOf } from '../../support/replica.ts';
import { blockSomebody, haveOwnServer, onOwnServer, setup } from './throttled-task.ts';

haveOwnServer();

describe('a task on a target under load', () => {
  it('waits before its first step too, in a step of its own that tells why, live, and goes on when the load fell', async () => {
    const it = await setup({ max_active_sessions: 0 });
    const { keepBusy } = await onOwnServer(it);
    const busy = await keepBusy();
    const running = it.run();
    await expect.poll(it.keysNow).toEqual(['a PENDING', 'b PENDING', 'pause-1 RUNNING']);
    const reasons = [
      {
        limit: 'max_active_sessions',
        figure: 1,
        allowed: 0,
        words: '1 session is at work (at most 0)',
      },
    ];
    const pauseNow = async () => (await it.shown())?.steps[2];
    const waitedMs = async () => (await pauseNow())?.result as JsonObject;
    expect(await pauseNow()).toMatchObject({
      reason: 'load',
      phase: 'waiting for the load to fall',
      object: null,
      statement: null,
      finished_at: null,
      result: { reasons },
    });
    await expect.poll(async () => Number((await waitedMs())['waited_ms'])).toBeGreaterThan(200);
    expect(await it.shown()).toMatchObject({ state: 'RUNNING', progress: 0 });
    expect(await it.sql`SELECT FROM tasks WHERE id = ${it.taskId} AND intent_pid IS NOT NULL`).toHaveLength(0);
    expect(it.did).toEqual([]);
    await busy.stop();
    expect(await running).toEqual({ kind: 'done' });
    expect(it.did).toEqual(['a', 'b']);
    expect(await it.shown()).toMatchObject({
      state: 'SUCCEEDED',
      progress: 100,
      result: { planned: 2, done: 2, skipped: [], throttle: { pauses: 1, waited_ms: expect.any(Number), unknown: [] } },
      steps: [
        { key: 'a', state: 'SUCCEEDED' },
        { key: 'b', state: 'SUCCEEDED' },
        {
          key: 'pause-1',
          state: 'SUCCEEDED',
          reason: 'load',
          phase: null,
          started_at: expect.any(String),
          finished_at: expect.any(String),
          result: { waited_ms: expect.any(Number), reasons: [{ limit: 'max_active_sessions' }], ended: 'load_fell' },
        },
      ],
    });
  });

  it('leaves the rest for the next run when the load outlasts its patience, and says so everywhere', async () => {
    const it = await setup({ max_active_sessions: 0, max_pause_seconds: 1 }, { keys: ['a', 'b', 'c'] });
    const { keepBusy } = await onOwnServer(it);
    const executor = it.deps.executorOf('INDEX_REBUILD');
    if (executor === undefined) throw new Error('expected the executor');
    let busy = { stop: async (): Promise<void> => undefined };
    Object.assign(executor, {
      runStep: async (): Promise<StepOutcome> => {
        busy = await keepBusy();
        it.pass(1_000);
        return { kind: 'done', result: {} };
      },
    });
    expect(await it.run()).toEqual({ kind: 'done' });
    await busy.stop();
    const left = { state: 'SKIPPED', reason: 'load', started_at: null };
    expect(await it.shown()).toMatchObject({
      state: 'SKIPPED',
      reason: 'load',
      result: {
        planned: 3,
        done: 1,
        skipped: [
          { object: 'b', reason: 'load' },
          { object: 'c', reason: 'load' },
        ],
        throttle: { pauses: 1 },
      },
      steps: [
        { key: 'a', state: 'SUCCEEDED' },
        { key: 'b', ...left },
        { key: 'c', ...left },
        {
          key: 'pause-1',
          state: 'SUCCEEDED',
          result: { ended: 'outlasted', reasons: [{ limit: 'max_active_sessions' }] },
        },
      ],
    });
  });

  it('waits for a standby that does not replay', async () => {
    const it = await setup({ max_replica_lag_mb: 1 });
    const { server, admin } = await onOwnServer(it);
    const replica = await startReplicaOf(server);
    const there = new pg.Client({ connectionString: replica.url });
    await there.connect();
    try {
      await there.query('SELECT pg_wal_replay_pause()');
      await admin.query(`CREATE TABLE large AS SELECT n, repeat('x', 100) AS text FROM generate_series(1, 30000) AS n`);
      const running = it.run();
      await expect.poll(it.keysNow).toContain('pause-1 RUNNING');
      expect((await it.shown())?.steps[2]).toMatchObject({ result: { reasons: [{ limit: 'max_replica_lag_mb' }] } });
      await there.query('SELECT pg_wal_replay_resume()');
      expect(await running).toEqual({ kind: 'done' });
      expect(await it.shown()).toMatchObject({ state: 'SUCCEEDED', result: { done: 2, throttle: { pauses: 1 } } });
    } finally {
      await there.end();
      await replica.stop();
    }
  });

  it('lets go within a step of a lock that somebody waits for, and does no more', async () => {
    const breathed: string[] = [];
    let waiting: Promise<unknown> = Promise.resolve();
    const it = await setup(
      { max_waiting_sessions: 0 },
      {
        act: async (run, key) => {
          if (key !== 'a') throw new Error('expected no further step');
          ({ waiting } = await blockSomebody(it, run.session));
          it.pass(1_000);
          breathed.push(await run.breathe());
          await run.session.execute('ROLLBACK');
          return {};
        },
      },
    );
    await it.target.owner.query('CREATE TABLE public.wanted (n int)');
    expect(await it.run()).toEqual({ kind: 'done' });
    await waiting;
    expect(breathed).toEqual(['overloaded']);
    expect(await it.shown()).toMatchObject({
      state: 'SKIPPED',
      reason: 'load',
      result: { done: 1, skipped: [{ object: 'b', reason: 'load' }] },
      steps: [
        { key: 'a', state: 'SUCCEEDED' },
        { key: 'b', state: 'SKIPPED', reason: 'load' },
        { key: 'pause-1', result: { ended: 'in_the_way', reasons: [{ limit: 'max_waiting_sessions', figure: 1 }] } },
      ],
    });
  });

  it('can be cancelled while it waits', async () => {
    const it = await setup({ max_active_sessions: 0 });
    const { keepBusy } = await onOwnServer(it);
    const busy = await keepBusy();
    const running = it.run();
    await expect.poll(it.keysNow).toContain('pause-1 RUNNING');
    it.running.abortJob(it.job.id, 'cancelled');
    expect(await running).toEqual({ kind: 'done' });
    expect(await it.shown()).toMatchObject({
      state: 'CANCELLED',
      steps: [
        { key: 'a', state: 'SKIPPED', reason: 'cancelled' },
        { key: 'b', state: 'SKIPPED', reason: 'cancelled' },
        { key: 'pause-1', state: 'CANCELLED', reason: 'cancelled' },
      ],
    });
    expect(it.did).toEqual([]);
    await busy.stop();
  });

  it('asks the gate again after a pause, and does nothing more where it is closed', async () => {
    const it = await setup({ max_active_sessions: 0 });
    const { keepBusy } = await onOwnServer(it);
    const busy = await keepBusy();
    const running = it.run();
    await expect.poll(it.keysNow).toContain('pause-1 RUNNING');
    await it.sql`UPDATE jobs SET halted = true WHERE id = ${it.job.id}`;
    await busy.stop();
    expect(await running).toEqual({ kind: 'done' });
    expect(it.did).toEqual([]);
    expect(await it.shown()).toMatchObject({
      state: 'SKIPPED',
      reason: 'halted',
      steps: [{ reason: 'halted' }, { reason: 'halted' }, { key: 'pause-1', state: 'SUCCEEDED' }],
    });
  });

  it('does nothing more when its window closed meanwhile', async () => {
    const it = await setup({ max_active_sessions: 0 });
    const { keepBusy } = await onOwnServer(it);
    const busy = await keepBusy();
    const running = it.run();
    await expect.poll(it.keysNow).toContain('pause-1 RUNNING');
    const closed = (new Date().getUTCHours() + 12) % 24;
    await it.sql`UPDATE jobs SET window_start_hour = ${closed}, window_end_hour = ${(closed + 1) % 24} WHERE id = ${it.job.id}`;
    await busy.stop();
    expect(await running).toEqual({ kind: 'done' });
    expect(it.did).toEqual([]);
    expect(await it.shown()).toMatchObject({
      state: 'SKIPPED',
      reason: 'outside_window',
      steps: [{ reason: 'outside_window' }, { reason: 'outside_window' }, { key: 'pause-1', state: 'SUCCEEDED' }],
    });
  });

  it('waits no longer once its lease is lost, and leaves everything to whoever has it', async () => {
    const it = await setup({ max_active_sessions: 0 });
    const { keepBusy } = await onOwnServer(it);
    const busy = await keepBusy();
    const running = it.run();
    await expect.poll(it.keysNow).toContain('pause-1 RUNNING');
    it.running.abortAll('lease_lost');
    const end = await running;
    await busy.stop();
    expect(end).toMatchObject({ kind: 'later' });
    expect(it.did).toEqual([]);
    expect(await it.shown()).toMatchObject({ state: 'PENDING', reason: 'lease_lost' });
  });

  it('keeps the pauses of an earlier attempt, and counts none of them for a step of its plan', async () => {
    const it = await setup({ max_active_sessions: 0 });
    const { keepBusy } = await onOwnServer(it);
    const executor = it.deps.executorOf('INDEX_REBUILD');
    if (executor === undefined) throw new Error('expected the executor');
    let attempt = 1;
    Object.assign(executor, {
      runStep: async ({ key }: { key: string }, { signal }: { signal: AbortSignal }): Promise<StepOutcome> => {
        it.pass(1_000);
        if (attempt === 1 && key === 'b') {
          it.running.abortAll('draining');
          signal.throwIfAborted();
        }
        return { kind: 'done', result: {} };
      },
    });
    const pauseOnce = async (key: string) => {
      const busy = await keepBusy();
      const running = it.run();
      await expect.poll(it.keysNow).toContain(`${key} RUNNING`);
      await busy.stop();
      return await running;
    };
    expect(await pauseOnce('pause-1')).toMatchObject({ kind: 'later' });
    attempt = 2;
    expect(await pauseOnce('pause-2')).toEqual({ kind: 'done' });
    expect(await it.shown()).toMatchObject({
      state: 'SUCCEEDED',
      result: { planned: 2, done: 1, done_before: 1, throttle: { pauses: 1 } },
    });
    expect(await it.keysNow()).toEqual(['a SUCCEEDED', 'b SUCCEEDED', 'pause-1 SUCCEEDED', 'pause-2 SUCCEEDED']);
  });

  it('is worked on by a role that may see little, and says what was not seen and how that is cured', async () => {
    const it = await setup({ max_active_sessions: 1_000, max_archive_backlog: 64 });
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.shown()).toMatchObject({
      state: 'SUCCEEDED',
      result: {
        throttle: {
          pauses: 0,
          unknown: [{ limit: 'max_active_sessions', grant: `GRANT pg_read_all_stats TO ${it.target.role}` }],
        },
      },
    });
  });
});

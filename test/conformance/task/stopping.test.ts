import { AppError, TaskAbort } from '@slacktide/application';
import { TargetError } from '@slacktide/application/ports';
import { describe, expect, it, vi } from 'vitest';
import { setup } from './setup.ts';

const away = () => Promise.reject(new AppError('ledger_unavailable', 'the ledger is away'));

/** Renewed often, given up soon. */
const quick = { renewEveryMs: 50, stopGraceMs: 100 };

describe('a task whose lease cannot be proven', () => {
  it('has its statement cancelled and is handed back, without a crash, when the ledger comes back', async () => {
    let isAway = false;
    const it = await setup(
      async ({ session }) => {
        isAway = true;
        await session.execute('SELECT pg_sleep(600)');
        return {};
      },
      (real) => ({
        renew: (...request) => (isAway ? away() : real.renew(...request)),
        release: (...request) => {
          const answer = isAway ? away() : real.release(...request);
          isAway = false;
          return answer;
        },
      }),
      { ...quick, stopGraceMs: 20_000 },
    );
    expect(await it.run()).toMatchObject({ kind: 'later' });
    expect(await it.taskNow()).toMatchObject({ state: 'PENDING', reason: 'lease_lost', crashes: 0, attempt: 1 });
    expect(it.seen.exit).not.toHaveBeenCalled();
    const { rowCount } = await it.target.admin.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'slacktide/%'`,
    );
    expect(rowCount).toBe(0);
  });

  it('ends the process when its work cannot be proven to have stopped', async () => {
    const stuck = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<string>();
    const order: string[] = [];
    let isAway = false;
    const it = await setup(
      async ({ signal }) => {
        signal.addEventListener('abort', () => order.push('aborted'));
        isAway = true;
        await stuck.promise; // heeds nothing
        return {};
      },
      (real) => ({ renew: (...request) => (isAway ? away() : real.renew(...request)) }),
      quick,
    );
    it.seen.exit.mockImplementation((why: string) => {
      order.push('exited');
      exited.resolve(why);
    });
    const running = it.run();
    expect(await exited.promise).toContain('lease_lost');
    stuck.resolve();
    await running;
    expect(order).toEqual(['aborted', 'exited']);
  });

  it('sends no further statement when the process stood still for longer than its lease lives', async () => {
    const it = await setup(async ({ session }) => {
      const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 30_000);
      const failure = await session.execute('CREATE TABLE public.too_late ()').catch((error: unknown) => error);
      clock.mockRestore();
      expect(failure).toEqual(new TaskAbort('lease_lost'));
      throw failure;
    });
    expect(await it.run()).toMatchObject({ kind: 'later' });
    const [row] = (await it.target.admin.query(`SELECT to_regclass('public.too_late') AS oid`)).rows;
    expect(row).toEqual({ oid: null });
  });

  it('is stopped though the ledger is silent while it asks the gate', async () => {
    let asked = 0;
    const it = await setup(
      { keys: ['a', 'b'], act: async () => ({}) },
      (real) => ({
        gate: (claimed) => (asked++ < 2 ? real.gate(claimed) : new Promise(() => undefined)),
        renew: (...request) => (asked < 3 ? real.renew(...request) : new Promise(() => undefined)),
      }),
      { ...quick, renewTimeoutMs: 2_000, stopGraceMs: 20_000 },
    );
    expect(await it.run()).toMatchObject({ kind: 'later' });
    expect(it.seen.exit).not.toHaveBeenCalled();
    expect(await it.taskNow()).toMatchObject({ state: 'PENDING', steps: [{ key: 'a', state: 'SUCCEEDED' }, {}] });
  });
});

describe('a task', () => {
  it('goes on through a blink of the ledger between two of its steps', async () => {
    let asked = 0;
    const it = await setup({ keys: ['a', 'b'], act: async () => ({}) }, (real) => ({
      gate: (claimed) => (asked++ === 2 ? away() : real.gate(claimed)),
    }));
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({ state: 'SUCCEEDED', attempt: 1, result: { done: 2 } });
  });

  it('that has had its time is stopped, its statement on the target too, and has failed', async () => {
    const it = await setup(async ({ session }) => {
      const [row] = await session.query(`SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'`);
      // Up to a second more than is left of the limit: the abort comes first and says what it was.
      expect(row?.['setting']).toBeGreaterThan(1_000);
      expect(row?.['setting']).toBeLessThanOrEqual(4_000);
      await session.execute('SELECT pg_sleep(600)');
      return {};
    });
    await it.sql`UPDATE tasks SET time_limit_seconds = 3`;
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({
      state: 'FAILED',
      error: { code: 'time_limit_exceeded' },
      steps: [{ state: 'CANCELLED', reason: 'task_failed' }],
    });
  });

  it('that fails of its last statement because its time is up says so', async () => {
    const it = await setup(async ({ session, signal }) => {
      const error = await session.execute('SELECT pg_sleep(600)').catch((failure: unknown) => failure);
      expect(signal.aborted).toBe(true);
      expect(error).toMatchObject({ code: 'cancelled' });
      // As an executor that could not clean up after itself does.
      throw new TargetError('lock_timeout', 'an index was left behind');
    });
    await it.sql`UPDATE tasks SET time_limit_seconds = 3`;
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({ state: 'FAILED', error: { code: 'time_limit_exceeded' } });
  });

  it('that is at a late step when its window closes is stopped, its statement on the target too, and has failed', async () => {
    const closesInMs = 2_000;
    const it = await setup(
      {
        keys: ['a', 'b'],
        act: async ({ session }, key) => {
          // Longer than is left by then: a limit of the session counts anew for each statement.
          await session.execute(`SELECT pg_sleep(${key === 'a' ? 1 : 2.5})`);
          return {};
        },
      },
      () => ({ gate: async () => ({ kind: 'open', closesInMs }) }),
    );
    expect(await it.run()).toEqual({ kind: 'done' });
    expect(await it.taskNow()).toMatchObject({
      state: 'FAILED',
      error: { code: 'window_closed' },
      steps: [{ state: 'SUCCEEDED' }, { state: 'CANCELLED' }],
    });
  });

  it('that heeds neither its time limit nor anything else ends its process', async () => {
    const stuck = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<string>();
    const it = await setup(
      async () => {
        await stuck.promise;
        return {};
      },
      undefined,
      { stopLimitMs: 50 },
    );
    it.seen.exit.mockImplementation(exited.resolve);
    await it.sql`UPDATE tasks SET time_limit_seconds = 3`;
    const running = it.run();
    expect(await exited.promise).toContain('time_limit');
    stuck.resolve();
    await running;
  });

  it.each([
    ['is handed back when the process drains, if it may be done again', 'idempotent', 'PENDING'],
    ['ends when the process drains, if it must not be done again', 'never_retry', 'FAILED'],
  ] as const)('%s', async (_, safety, state) => {
    const it = await setup({
      class: safety,
      act: async ({ signal, session }) => {
        it.delivered.abort(new TaskAbort('draining'));
        expect(signal.aborted).toBe(true);
        await session.execute('SELECT 1');
        return {};
      },
    });
    await it.run();
    expect(await it.taskNow()).toMatchObject({ state, crashes: 0 });
  });

  it.each(['never_retry', 'compensable'] as const)(
    'of the class %s whose session was lost amid its work is left to recovery',
    async (safety) => {
      const it = await setup({
        class: safety,
        act: async ({ session }) => {
          const working = session.execute('SELECT pg_sleep(600)');
          working.catch(() => undefined); // it may be lost before it is looked at
          await it.target.admin.query('SELECT pg_terminate_backend($1)', [session.identity.pid]);
          await working;
          return {};
        },
      });
      await expect(it.run()).rejects.toMatchObject({ code: 'session_lost' });
      expect(await it.taskNow()).toMatchObject({ state: 'RUNNING', error: null });
      expect(it.seen.finished).not.toHaveBeenCalled();
      await expect(it.run()).resolves.toMatchObject({ kind: 'later' });
    },
  );

  it('of the class never_retry whose executor failed amid its work is left to recovery, and the log is told', async () => {
    const it = await setup({ class: 'never_retry', act: () => Promise.reject(new Error('exploded')) });
    await expect(it.run()).rejects.toThrow('exploded');
    expect(await it.taskNow()).toMatchObject({ state: 'RUNNING' });
    expect(it.seen.unexpected).toHaveBeenCalledTimes(1);
  });
});

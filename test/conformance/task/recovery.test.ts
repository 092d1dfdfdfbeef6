import { leaseTimes } from '@slacktide/application';
import { TargetError } from '@slacktide/application/ports';
import { describe, expect, it, vi } from 'vitest';
import { claimedBy, sampleStep, taskOf } from '../../support/executions.ts';
import { executorOf, recoverySetup } from './recovery.fixture.ts';

const patient = { waitMs: 60_000, giveUpMs: 900_000 };
const done = sampleStep({ key: 'done', state: 'SUCCEEDED', finishedAt: new Date(0) });
const inHand = sampleStep({ key: 'in hand', position: 1 });

describe('what never touched its target', () => {
  it('is done again without a look, in the next generation', async () => {
    const it = await recoverySetup(executorOf({ class: 'never_retry' }));
    const { job } = await it.interrupted({ intent: null });
    await it.sql`UPDATE targets SET connection = 'postgresql://nobody@127.0.0.1:1/none' WHERE id = 'shop'`;
    expect(await it.recover()).toBe(1);
    expect(it.seen.recovered).toHaveBeenCalledExactlyOnceWith('redrive');
    expect(await it.jobNow(job)).toMatchObject({
      state: 'RUNNING',
      generation: 2,
      tasks: [{ state: 'PENDING', crashes: 1, reason: 'worker_lost' }, {}],
    });
    expect(await it.recover()).toBe(0);
  });
});

describe('work whose session is over', () => {
  it('is done again where that is harmless, with the target free', async () => {
    const it = await recoverySetup();
    const { job } = await it.interrupted();
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'PENDING', crashes: 1, attempt: 1 });
    expect(await it.sql`SELECT FROM leases`).toHaveLength(0);
    claimedBy(await it.claim(job, 'rebuild', { generation: 2 }));
  });

  it('is recorded as done when the catalogue shows it', async () => {
    const inspect = vi.fn(async () => ({ kind: 'done', result: { index: 'valid' } }) as const);
    const it = await recoverySetup(executorOf({ class: 'never_retry', inspect }));
    const { job } = await it.interrupted({ steps: [done, inHand] });
    await it.recover();
    expect(inspect.mock.calls[0]).toMatchObject([
      expect.anything(),
      { config: {}, intent: { applicationName: 'slacktide/index_rebuild/1' }, steps: [done, inHand], remnants: [] },
    ]);
    expect(await it.taskNow(job)).toMatchObject({
      state: 'SUCCEEDED',
      crashes: 1,
      progress: 100,
      result: { index: 'valid', recovery: { worker: 'w1', fence: 1, server: 'same' } },
      steps: [done, { key: 'in hand', state: 'SUCCEEDED', percent: 100 }],
    });
  });

  it('ends as its worker had written, when only the end was missing', async () => {
    const inspect = vi.fn();
    const it = await recoverySetup(executorOf({ class: 'never_retry', inspect }));
    const { job } = await it.interrupted({ steps: [done], percent: 100 });
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'SUCCEEDED', result: { done: 1 }, steps: [done] });
    expect(inspect).not.toHaveBeenCalled();
  });

  it('waits for a person where it must not be repeated, with everything that is known', async () => {
    const inspect = async () => ({ kind: 'unclear', evidence: { index: 'gone' } }) as const;
    const sweep = vi.fn();
    const it = await recoverySetup(executorOf({ class: 'never_retry', inspect, sweep }));
    const { job, claimed } = await it.interrupted({ steps: [done, inHand] });
    await it.sql`INSERT INTO remnants (target_id, task_id, fence, kind, proof) VALUES ('shop', ${claimed.task.id}, 1, 'index', '{"index": "a"}')`;
    await it.recover();
    const task = await it.taskNow(job);
    expect(task).toMatchObject({
      state: 'NEEDS_OPERATOR',
      steps: [done, { key: 'in hand', state: 'NEEDS_OPERATOR' }],
      error: {
        code: 'outcome_unclear',
        message: expect.stringContaining('w1 is gone, and such work is not repeated'),
        detail: {
          why: 'must_not_be_repeated',
          worker: 'w1',
          fence: 1,
          server: 'same',
          found: 'unclear',
          evidence: { index: 'gone' },
          session: { pid: expect.any(Number), application_name: 'slacktide/index_rebuild/1' },
          in_hand: [{ key: 'in hand', object: inHand.object, statement: inHand.statement }],
          steps_done: 1,
          remnants: [{ kind: 'index', proof: { index: 'a' } }],
        },
      },
    });
    expect(await it.jobNow(job)).toMatchObject({ state: 'NEEDS_OPERATOR' });
    expect(sweep).not.toHaveBeenCalled();
  });

  it('is taken back where it can be, in the session that has the lock', async () => {
    const it = await recoverySetup(
      executorOf({
        class: 'compensable',
        rollBack: async (session, { steps }) => {
          const [row] = await session.query(
            `SELECT count(*)::int AS locks FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'`,
          );
          await session.execute('CREATE TABLE public.taken_back ()');
          return { ...row, steps: steps.length };
        },
      }),
    );
    const { job } = await it.interrupted({ steps: [done, inHand] });
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({
      state: 'ROLLED_BACK',
      result: { locks: 1, steps: 2 },
      steps: [{ state: 'SUCCEEDED' }, { state: 'ROLLED_BACK', reason: 'worker_lost' }],
    });
    expect((await it.target.owner.query('SELECT FROM taken_back')).rowCount).toBe(0);
  });

  it('is taken back outside of the window, too: half done it would be worse', async () => {
    const it = await recoverySetup(
      executorOf({ class: 'compensable', rollBack: async () => ({ dropped: 'scratch' }) }),
    );
    const { job } = await it.interrupted();
    const closed = (new Date().getUTCHours() + 12) % 24;
    await it.sql`UPDATE jobs SET window_start_hour = ${closed}, window_end_hour = ${(closed + 1) % 24} WHERE id = ${job.id}`;
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'ROLLED_BACK', result: { dropped: 'scratch' } });
  });

  it('is tried to be taken back until patience ends, then a person is asked', async () => {
    const rollBack = vi.fn(() => Promise.reject(new TargetError('lock_timeout', 'somebody has the table')));
    const patience = { ...patient };
    const it = await recoverySetup(executorOf({ class: 'compensable', rollBack }), { patience });
    const { job } = await it.interrupted();
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'RUNNING', reason: 'lock_timeout', crashes: 0 });
    expect(await it.recover()).toBe(0);
    await it.itIsTime();
    patience.giveUpMs = 0;
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({
      state: 'NEEDS_OPERATOR',
      error: { detail: { why: 'out_of_reach', problem: { code: 'lock_timeout', message: 'somebody has the table' } } },
    });
    expect(rollBack).toHaveBeenCalledTimes(2);
  });

  it('is cancelled, not repeated, when its job is to end', async () => {
    const it = await recoverySetup();
    const { job } = await it.interrupted({ steps: [done, inHand] });
    await it.cancel(job);
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({
      state: 'CANCELLED',
      reason: 'cancelled',
      steps: [{ state: 'SUCCEEDED' }, { state: 'CANCELLED', reason: 'worker_lost' }],
    });
    expect(await it.executions.finalise({ jobId: job.id, generation: 1 })).toMatchObject({ state: 'CANCELLED' });
  });

  it('is quarantined when a second worker was lost over it, and says which and when', async () => {
    const it = await recoverySetup();
    const { job } = await it.interrupted();
    await it.recover();
    const again = claimedBy(await it.claim(job, 'rebuild', { generation: 2, workerId: 'w7' }));
    await it.executions.recordIntent(again, await it.goneSession());
    await it.executions.recordProgress(again, { steps: [inHand], percent: 0 });
    await it.expireLease(again);
    await it.recover();
    expect(it.seen.recovered.mock.calls).toEqual([['redrive'], ['quarantine']]);
    expect(await it.jobNow(job)).toMatchObject({ halted: true, generation: 2 });
    const task = await it.taskNow(job);
    expect(task).toMatchObject({
      state: 'FAILED',
      crashes: 2,
      error: { code: 'quarantined', detail: { worker: 'w7' } },
    });
    expect(task?.error?.message).toMatch(
      /^2 workers were lost over it, the last one, w7, by 20.*, at public.orders_pkey/,
    );
  });

  it('is left to a person when the target is another system by now', async () => {
    const it = await recoverySetup();
    const intent = await it.goneSession();
    const { job } = await it.interrupted({ intent: { ...intent, epoch: { ...intent.epoch, systemIdentifier: '1' } } });
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({
      state: 'NEEDS_OPERATOR',
      error: { detail: { why: 'other_system', server: 'other_system' } },
    });
  });
});

describe('work on a primary that is one no longer', () => {
  it('is not believed to be done because the old one had done it', async () => {
    const inspect = vi.fn(async () => ({ kind: 'not_done' }) as const);
    const it = await recoverySetup(executorOf({ class: 'compensable', rollBack: async () => ({}), inspect }));
    const intent = await it.goneSession();
    const promoted = { ...intent, epoch: { ...intent.epoch, timeline: '0000FFFF' } };
    const { job } = await it.interrupted({ intent: promoted, steps: [done], percent: 100 });
    await it.recover();
    expect(inspect).toHaveBeenCalledOnce();
    expect(await it.taskNow(job)).toMatchObject({
      state: 'NEEDS_OPERATOR',
      error: { message: expect.stringContaining('promoted'), detail: { why: 'promoted', server: 'promoted' } },
    });
  });
});

describe('the session of a dead worker', () => {
  it('is waited for, and keeps the target to itself meanwhile', async () => {
    const it = await recoverySetup(executorOf(), { patience: patient });
    const { identity } = await it.leaveSession();
    const { job } = await it.interrupted({ intent: identity });
    await it.recover();
    expect(it.seen.recovered).toHaveBeenCalledExactlyOnceWith('wait');
    expect(await it.taskNow(job)).toMatchObject({ state: 'RUNNING', reason: 'session_still_running', crashes: 0 });
    const { rows } = await it.target.admin.query(`SELECT state FROM pg_stat_activity WHERE pid = ${identity.pid}`);
    expect(rows).toEqual([{ state: 'active' }]);
  });

  it('is ended when it had its time; only then the work is given to another', async () => {
    const it = await recoverySetup(executorOf(), { patience: { ...patient, waitMs: 0 } });
    const { identity, ended } = await it.leaveSession();
    const { job } = await it.interrupted({ intent: identity });
    await it.recover();
    expect(await ended).toMatchObject({ name: 'TargetError' });
    expect(it.seen.recovered).toHaveBeenCalledExactlyOnceWith('redrive');
    expect(await it.taskNow(job)).toMatchObject({ state: 'PENDING', crashes: 1 });
  });

  it('is ended at once when somebody wants the job to end', async () => {
    const it = await recoverySetup(executorOf(), { patience: patient });
    const { identity, ended } = await it.leaveSession();
    const { job } = await it.interrupted({ intent: identity });
    await it.cancel(job);
    await it.recover();
    expect(await ended).toMatchObject({ name: 'TargetError' });
    expect(await it.taskNow(job)).toMatchObject({ state: 'CANCELLED' });
  });

  it('is not mistaken for somebody else who has the lock: that one is waited for', async () => {
    const it = await recoverySetup(executorOf(), { patience: { ...patient, waitMs: 0 } });
    const { identity } = await it.leaveSession();
    const { job } = await it.interrupted({ intent: { ...identity, applicationName: 'slacktide/index_rebuild/0' } });
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'RUNNING', reason: 'locked_elsewhere' });
    const { rows } = await it.target.admin.query(`SELECT state FROM pg_stat_activity WHERE pid = ${identity.pid}`);
    expect(rows).toEqual([{ state: 'active' }]);
  });
});

describe('a target out of reach', () => {
  it.each([
    ['idempotent', { state: 'PENDING', crashes: 1 }],
    [
      'never_retry',
      { state: 'NEEDS_OPERATOR', error: { detail: { why: 'out_of_reach', problem: { code: 'unreachable' } } } },
    ],
  ] as const)('is waited for, but not for ever: %s', async (safety, expected) => {
    const patience = { ...patient };
    const it = await recoverySetup(executorOf({ class: safety }), { patience });
    const { job } = await it.interrupted();
    await it.sql`UPDATE targets SET connection = 'postgresql://nobody@127.0.0.1:1/none' WHERE id = 'shop'`;
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'RUNNING', reason: 'unreachable' });
    await it.itIsTime();
    patience.giveUpMs = 0;
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject(expected);
  });
});

describe('a recovery that came to no end three times', () => {
  it.each([
    ['idempotent', { state: 'FAILED', error: { code: 'quarantined', detail: { recovery_attempts: 4 } } }],
    ['compensable', { state: 'NEEDS_OPERATOR', error: { code: 'outcome_unclear', detail: { why: 'recovery_fails' } } }],
  ] as const)(
    'is not given another worker to kill: %s work is let be, with no look at the target',
    async (safety, end) => {
      const [inspect, rollBack, sweep] = [vi.fn(), vi.fn(), vi.fn()];
      const it = await recoverySetup(executorOf({ class: safety, inspect, rollBack, sweep }));
      const { job, claimed } = await it.interrupted({ steps: [done, inHand] });
      await it.sql`INSERT INTO remnants (target_id, task_id, fence, kind, proof) VALUES ('shop', ${claimed.task.id}, 1, 'index', '{}')`;
      const lookedAt = [
        vi.spyOn(it.gateway, 'findPredecessor'),
        vi.spyOn(it.gateway, 'act'),
        vi.spyOn(it.gateway, 'read'),
      ];
      for (const workerId of ['w3', 'w4', 'w5']) {
        const taken = await it.deps.recoveries.takeOver({ taskId: claimed.task.id, workerId, leaseLifeMs: 60_000 });
        expect(taken.kind).toBe('taken');
        await it.expireLease(claimed); // whoever took it over died
      }
      expect(await it.recover()).toBe(1);
      expect(await it.taskNow(job)).toMatchObject({ ...end, crashes: 1 });
      for (const call of [inspect, rollBack, sweep, ...lookedAt]) expect(call).not.toHaveBeenCalled();
      expect(await it.sql`SELECT closed_at FROM remnants`).toEqual([{ closed_at: null }]);
    },
  );

  it('looks again as often when one of them said that it ended', async () => {
    const inspect = vi.fn(async () => ({ kind: 'done', result: {} }) as const);
    const it = await recoverySetup(executorOf({ inspect }));
    const { job, claimed } = await it.interrupted();
    for (const isOrderly of [false, false, true, false, false]) {
      const request = { taskId: claimed.task.id, workerId: 'w3', leaseLifeMs: 60_000 };
      const result = await it.deps.recoveries.takeOver(request);
      if (result.kind !== 'taken') throw new Error(`expected a take-over, got: ${result.kind}`);
      if (isOrderly) await it.deps.recoveries.postpone(result.taken, 'worker_draining', 0);
      else await it.expireLease(claimed);
    }
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'SUCCEEDED' });
    expect(inspect).toHaveBeenCalledOnce();
  });
});

describe('what was left behind', () => {
  const remnant = (it: Awaited<ReturnType<typeof recoverySetup>>, taskId: string, name: string) =>
    it.sql`INSERT INTO remnants (target_id, task_id, fence, kind, proof) VALUES ('shop', ${taskId}, 1, 'index', ${it.sql.json({ name })})`;
  const sweep = vi.fn(async (_session: unknown, { proof }: { proof: Record<string, unknown> }) =>
    proof['name'] === 'ours'
      ? ({ outcome: 'swept', note: 'dropped ours' } as const)
      : ({ outcome: 'kept', note: 'not ours' } as const),
  );

  it('is swept in the same session, and what is kept is told', async () => {
    const it = await recoverySetup(
      executorOf({ sweep: sweep as never, inspect: async () => ({ kind: 'done', result: {} }) }),
    );
    const { job, claimed } = await it.interrupted();
    await remnant(it, claimed.task.id, 'ours');
    await remnant(it, claimed.task.id, 'another');
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({
      state: 'SUCCEEDED',
      result: { remnants: { swept: ['dropped ours'], kept: ['not ours'], left: [] } },
    });
    expect(await it.sql`SELECT outcome, note FROM remnants ORDER BY id`).toMatchObject([
      { outcome: 'swept', note: 'dropped ours' },
      { outcome: 'kept', note: 'not ours' },
    ]);
  });

  it('is told in the audit log where the task is done again', async () => {
    const it = await recoverySetup(executorOf({ sweep: sweep as never, inspect: async () => ({ kind: 'not_done' }) }));
    const { job, claimed } = await it.interrupted();
    await remnant(it, claimed.task.id, 'ours');
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'PENDING', crashes: 1 });
    const { items } = await it.ledger.audit.list({ limit: 1 }, { action: 'task.redrive' });
    expect(items[0]?.after).toMatchObject({ state: 'PENDING', remnants: { swept: ['dropped ours'] } });
  });

  it('waits for the window where it has closed', async () => {
    const it = await recoverySetup(
      executorOf({ sweep: sweep as never, inspect: async () => ({ kind: 'done', result: {} }) }),
    );
    sweep.mockClear();
    const { job, claimed } = await it.interrupted();
    await remnant(it, claimed.task.id, 'ours');
    const closed = (new Date().getUTCHours() + 12) % 24;
    await it.sql`UPDATE jobs SET window_start_hour = ${closed}, window_end_hour = ${(closed + 1) % 24} WHERE id = ${job.id}`;
    await it.recover();
    expect(sweep).not.toHaveBeenCalled();
    expect(await it.taskNow(job)).toMatchObject({
      state: 'SUCCEEDED',
      result: { remnants: { left: [expect.stringContaining('waits for the window')] } },
    });
    expect(await it.sql`SELECT closed_at FROM remnants`).toEqual([{ closed_at: null }]);
  });
});

describe('a recovery', () => {
  it('is made once, whoever else tries, and leaves types it does not have to others', async () => {
    const it = await recoverySetup();
    const { job } = await it.interrupted();
    await Promise.all([it.recover(), it.recover(), it.recover()]);
    expect(it.seen.recovered.mock.calls).toEqual([['redrive']]);
    expect(await it.jobNow(job)).toMatchObject({ generation: 2 });

    await it.expireLease(claimedBy(await it.claim(job, 'rebuild', { generation: 2 })));
    await it.sql`UPDATE tasks SET type = 'UNKNOWN_HERE' WHERE id = ${taskOf(job, 'rebuild').id}`;
    expect(await it.recover()).toBe(0);
    expect(await it.taskNow(job)).toMatchObject({ state: 'RUNNING' });
  });

  it('keeps its lease while it looks, however long that takes', async () => {
    const times = { ...leaseTimes(3_000), renewEveryMs: 50 };
    const it = await recoverySetup(
      executorOf({
        inspect: async () => {
          const expiry = async () => (await it.sql`SELECT expires_at FROM leases`)[0]?.['expires_at'] as Date;
          const first = await expiry();
          await vi.waitFor(async () => expect((await expiry()).getTime()).toBeGreaterThan(first.getTime()), {
            timeout: 20_000,
          });
          return { kind: 'done', result: {} };
        },
      }),
      { times },
    );
    const { job } = await it.interrupted();
    await it.recover();
    expect(await it.taskNow(job)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('that lost its right writes nothing over its successor', async () => {
    const it = await recoverySetup(
      executorOf({
        inspect: async () => {
          await it.sql`UPDATE leases SET expires_at = now() - interval '1 second'`;
          const task = await it.sql`SELECT id FROM tasks WHERE state = 'RUNNING'`;
          await it.deps.recoveries.takeOver({ taskId: task[0]?.['id'], workerId: 'w3', leaseLifeMs: 60_000 });
          return { kind: 'done', result: {} };
        },
      }),
    );
    const { job } = await it.interrupted();
    await it.recover();
    expect(it.seen.recovered).toHaveBeenCalledExactlyOnceWith('lost');
    expect(await it.taskNow(job)).toMatchObject({ state: 'RUNNING', crashes: 0 });
    expect(await it.sql`SELECT worker_id FROM leases`).toEqual([{ worker_id: 'w3' }]);
  });

  it('stops when its worker stops, and leaves the task to the next at once', async () => {
    const stopping = new AbortController();
    const it = await recoverySetup(
      executorOf({
        inspect: async (reader) => {
          stopping.abort();
          await reader.query('SELECT 1');
          return { kind: 'unclear', evidence: {} };
        },
        class: 'compensable',
        rollBack: async (session) => {
          await session.execute('SELECT pg_sleep(600)');
          return {};
        },
      }),
    );
    const { job } = await it.interrupted();
    await it.recover(stopping.signal);
    expect(it.seen.recovered).toHaveBeenCalledExactlyOnceWith('stopped');
    expect(await it.taskNow(job)).toMatchObject({ state: 'RUNNING', reason: 'worker_draining' });
    expect(await it.recover(stopping.signal)).toBe(0);
    expect(await it.deps.recoveries.listExpired({ types: ['INDEX_REBUILD'], limit: 5 })).toHaveLength(1);
  });

  it('keeps what nobody foresaw out of the ledger, tells it to the log, and tries again', async () => {
    const it = await recoverySetup(
      executorOf({ inspect: () => Promise.reject(new Error('postgresql://u:hunter2@db/x exploded')) }),
    );
    const { job } = await it.interrupted();
    await it.recover();
    expect(it.seen.unexpected.mock.calls[0]?.[0]).toMatchObject({ message: expect.stringContaining('exploded') });
    expect(await it.taskNow(job)).toMatchObject({ state: 'RUNNING', reason: 'internal_error' });
    expect(JSON.stringify(await it.everything())).not.toContain('hunter2');
  });

  it('that fails for one task does not keep the others from theirs', async () => {
    const it = await recoverySetup();
    const { job } = await it.interrupted();
    const broken = await it.addJob({ targetId: 'stock' });
    await it.expireLease(claimedBy(await it.claim(broken, 'rebuild')));
    const { takeOver } = it.deps.recoveries;
    it.deps.recoveries.takeOver = (request) =>
      request.taskId === taskOf(broken, 'rebuild').id ? Promise.reject(new Error('no')) : takeOver(request);
    expect(await it.recover()).toBe(1);
    expect(it.seen.error).toHaveBeenCalledOnce();
    expect(await it.taskNow(job)).toMatchObject({ state: 'PENDING' });
  });
});

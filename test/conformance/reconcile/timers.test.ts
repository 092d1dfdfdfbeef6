import { nextFiring } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { reconcileSetup } from './setup.ts';

const inAnHour = () => new Date(Date.now() + 3_600_000);

/** What Redis has of timers, as the ledger would say it. */
async function timersOf({ dispatch, redis }: Awaited<ReturnType<typeof reconcileSetup>>) {
  const ticks = dispatch.queues.find(({ name }) => name === 'ticks');
  const schedulers = (await ticks?.getJobSchedulers(0, 100, true)) ?? [];
  const pending = await redis.zrange('p:ticks:delayed', 0, '-1');
  return {
    timers: schedulers.map(({ key, pattern, tz }) => ({ id: key, cronExpression: pattern, timezone: tz })),
    pending: pending.toSorted(),
  };
}

describe('timers', () => {
  it('are rebuilt from the ledger after Redis was emptied, each with its tick, and left alone when they are right', async () => {
    const setup = await reconcileSetup();
    const { addSchedule, redis, newReconciler, reconciliation } = setup;
    const crons = ['0 2 * * *', '*/5 * * * *', '30 4 * * 1'];
    for (let n = 0; n < 12; n++) {
      const timezone = n % 2 === 0 ? 'UTC' : 'Europe/Berlin';
      await addSchedule({ id: `s${n}`, cronExpression: crons[n % 3] ?? '', timezone, nextDueAt: inAnHour() });
    }
    await addSchedule({ id: 'off', enabled: false, nextDueAt: null });
    const reconciler = newReconciler();
    expect(await reconciler.settle()).toEqual([{ kind: 'timer_set', ids: expect.any(Array) }]);
    const wanted = await reconciliation.listTimers({ after: null, limit: 100 });
    expect(wanted).toHaveLength(12);
    const before = await timersOf(setup);
    expect(before.timers.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(
      wanted.toSorted((a, b) => a.id.localeCompare(b.id)),
    );
    expect(before.pending).toEqual(
      wanted
        .map(({ id, cronExpression, timezone }) => {
          const due = nextFiring(cronExpression, timezone, new Date());
          return `repeat:${id}:${due?.getTime()}`;
        })
        .toSorted(),
    );
    await redis.flushall();
    // Another process, which has not looked yet.
    const next = newReconciler();
    expect(await next.settle()).toEqual([{ kind: 'timer_set', ids: wanted.map(({ id }) => id) }]);
    expect(await timersOf(setup)).toEqual({ ...before, timers: expect.arrayContaining(before.timers) });
  });

  it('without a schedule, or of one that is disabled, are removed', async () => {
    const setup = await reconcileSetup();
    const { addSchedule, dispatch, newReconciler } = setup;
    await addSchedule({ id: 'kept', nextDueAt: inAnHour() });
    await addSchedule({ id: 'off', enabled: false, nextDueAt: null });
    for (const id of ['kept', 'off', 'gone']) {
      await dispatch.tickTimers.set({ id, cronExpression: '0 2 * * *', timezone: 'UTC' });
    }
    const [repair, ...others] = await newReconciler().settle();
    expect(others).toEqual([]);
    expect(repair).toEqual({ kind: 'timer_removed', ids: expect.any(Array) });
    expect(repair?.ids.toSorted()).toEqual(['gone', 'off']);
    expect((await timersOf(setup)).timers.map(({ id }) => id)).toEqual(['kept']);
  });
});

describe('overdue schedules', () => {
  it('get their jobs although no timer goes off, also while Redis is away', async () => {
    const { addSchedule, newReconciler, server, sql } = await reconcileSetup();
    await addSchedule({ id: 'due', window: null, nextDueAt: inAnHour() });
    await addSchedule({ id: 'not-due', nextDueAt: inAnHour() });
    await sql`UPDATE schedules SET next_due_at = date_trunc('second', now()) - interval '10 seconds' WHERE id = 'due'`;
    const [due] = await sql<[{ next_due_at: Date }]>`SELECT next_due_at FROM schedules WHERE id = 'due'`;
    await server.stop();
    const reconciler = newReconciler();
    await expect.poll(() => reconciler.pass()).toMatchObject({ isRedisAway: true });
    expect(reconciler.repaired).toEqual([{ kind: 'schedule_fired', ids: ['due'] }]);
    const jobs = await sql`SELECT schedule_id, scheduled_for, state FROM jobs`;
    expect(jobs).toEqual([{ schedule_id: 'due', scheduled_for: due.next_due_at, state: 'PENDING' }]);
    await reconciler.pass();
    expect(await sql`SELECT FROM jobs`).toHaveLength(1);
  });
});

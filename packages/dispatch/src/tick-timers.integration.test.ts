import type { Delivery } from '@slacktide/application';
import type { Job, Queue } from 'bullmq';
import { expect, inject, it, vi } from 'vitest';
import { openDispatch, type TestDispatch } from './dispatch.fixture.ts';
import type { TickDelivery } from './tick-worker.ts';

/** Tries until it holds: other work may have the machine meanwhile. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const done: Delivery = { kind: 'done' };
const nightly = { id: 'nightly', cronExpression: '0 3 * * *', timezone: 'Europe/Berlin' };
const everySecond = { id: 'each-second', cronExpression: '* * * * * *', timezone: 'UTC' };

function ticksOf(dispatch: TestDispatch): Queue {
  const queue = dispatch.queues.find(({ name }) => name === 'ticks');
  if (queue === undefined) throw new Error('no queue for ticks');
  return queue;
}

/** The pending ticks; what a replaced one and its successor differ in. */
async function pendingTicks(dispatch: TestDispatch): Promise<{ id: string | undefined; madeAt: number }[]> {
  const jobs: Job[] = await ticksOf(dispatch).getDelayed();
  return jobs.map(({ id, timestamp }) => ({ id, madeAt: timestamp }));
}

it('makes one pending tick at the next firing, in the zone of the schedule', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await dispatch.tickTimers.set(nightly);
  const [tick, ...others] = await ticksOf(dispatch).getDelayed();
  expect(others).toEqual([]);
  expect(tick?.data).toEqual({ scheduleId: 'nightly' });
  const due = new Date(Number(tick?.id?.split(':').at(-1)));
  const inBerlin = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', timeStyle: 'medium' }).format(due);
  expect(inBerlin).toBe('03:00:00');
});

it('leaves the pending tick alone when set again as it is', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await dispatch.tickTimers.set(nightly);
  const before = await pendingTicks(dispatch);
  await dispatch.tickTimers.set({ ...nightly });
  expect(await pendingTicks(dispatch)).toEqual(before);
});

it.each([
  ['cron', { ...nightly, cronExpression: '30 4 * * *' }],
  ['zone', { ...nightly, timezone: 'America/New_York' }],
])('replaces the pending tick when the %s changes', async (_, changed) => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await dispatch.tickTimers.set(nightly);
  const [before] = await pendingTicks(dispatch);
  await dispatch.tickTimers.set(changed);
  const after = await pendingTicks(dispatch);
  expect(after).toHaveLength(1);
  expect(after[0]?.id).not.toBe(before?.id);
  expect(await ticksOf(dispatch).getJobScheduler('nightly')).toMatchObject({
    pattern: changed.cronExpression,
    tz: changed.timezone,
  });
});

it('makes the tick again where it went missing', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await dispatch.tickTimers.set(nightly);
  const [before] = await pendingTicks(dispatch);
  await dispatch.redis.zrem(`${dispatch.prefix}:ticks:delayed`, before?.id ?? '');
  await dispatch.redis.del(`${dispatch.prefix}:ticks:${before?.id}`);
  await dispatch.tickTimers.set(nightly);
  expect(await pendingTicks(dispatch)).toMatchObject([{ id: before?.id }]);
});

it('removes timer and tick, and does not mind when they are gone', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await dispatch.tickTimers.set(nightly);
  await dispatch.tickTimers.set({ ...nightly, id: 'other' });
  await dispatch.tickTimers.remove('nightly');
  await dispatch.tickTimers.remove('nightly');
  expect((await dispatch.keys()).filter((key) => key.includes('nightly'))).toEqual([]);
  expect(await pendingTicks(dispatch)).toMatchObject([{ id: expect.stringContaining('repeat:other:') }]);
});

it('refuses an id that BullMQ would take apart', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await expect(dispatch.tickTimers.set({ ...nightly, id: 'a:b' })).rejects.toThrow('without colons');
});

it('delivers each due time once to one of several workers, and goes on after one that came again later', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await using other = openDispatch(inject('redisUrl'), { prefix: dispatch.prefix });
  const ticks: string[] = [];
  const dueTimes: unknown[] = [];
  const onTick = async ({ scheduleId, dueAt }: TickDelivery): Promise<Delivery> => {
    ticks.push(scheduleId);
    dueTimes.push(dueAt);
    return ticks.length === 1 ? { kind: 'later', delayMs: 10 } : done;
  };
  dispatch.track(dispatch.startTickWorker({ onTick }));
  other.track(other.startTickWorker({ onTick }));
  await dispatch.tickTimers.set(everySecond);
  // Two due times, the first delivered twice.
  await eventually(() => expect(ticks.length).toBeGreaterThanOrEqual(3));
  expect(new Set(ticks)).toEqual(new Set(['each-second']));
  expect(dueTimes.every((at) => at instanceof Date && at.getTime() % 1000 === 0)).toBe(true);
  // One due time came twice, the others once.
  expect(new Set(dueTimes.map(Number)).size).toBe(dueTimes.length - 1);
  await eventually(async () => expect(await pendingTicks(dispatch)).toHaveLength(1));
  await dispatch.tickTimers.remove('each-second');
  const ended = await ticksOf(dispatch).getCompleted();
  expect(new Set(ended.map(({ id }) => id)).size).toBe(ended.length);
  expect(ended.length).toBeGreaterThanOrEqual(2);
  expect([...dispatch.errors, ...other.errors]).toEqual([]);
});

it('delivers a tick again when it could not be handled', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const onTick = vi.fn(async () => done).mockRejectedValueOnce(new Error('ledger away'));
  dispatch.track(dispatch.startTickWorker({ onTick }));
  await dispatch.tickTimers.set({ ...everySecond, cronExpression: '*/30 * * * * *' });
  const [tick] = await ticksOf(dispatch).getDelayed();
  await tick?.promote();
  await eventually(() => expect(onTick).toHaveBeenCalledTimes(2));
  expect(dispatch.errors).toEqual([new Error('ledger away')]);
});

it('goes on through the autumn of Lord Howe, where the cron library gives up and BullMQ would end the timer', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const dueTimes: (string | undefined)[] = [];
  const onTick = async ({ dueAt }: TickDelivery): Promise<Delivery> => {
    dueTimes.push(dueAt?.toISOString());
    return done;
  };
  dispatch.track(dispatch.startTickWorker({ onTick }));
  const rule = { pattern: '0 3 * * *', tz: 'Australia/Lord_Howe' };
  const opts = { prevMillis: Date.UTC(2027, 3, 2, 12) };
  const tick = await ticksOf(dispatch).upsertJobScheduler('autumn', rule, {
    name: 'tick',
    data: { scheduleId: 'autumn' },
    opts,
  });
  await tick?.promote();
  await eventually(() => expect(dueTimes).toEqual(['2027-04-02T16:00:00.000Z']));
  const next = Date.UTC(2027, 3, 3, 16, 30);
  await eventually(async () => expect(await pendingTicks(dispatch)).toMatchObject([{ id: `repeat:autumn:${next}` }]));
  expect(dispatch.errors).toEqual([]);
});

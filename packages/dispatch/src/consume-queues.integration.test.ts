import type { Delivery } from '@slacktide/application';
import { Redis } from 'ioredis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import type { Consumers } from './consume-queues.ts';
import { flowOf, openDispatch, type TestDispatch, task } from './dispatch.fixture.ts';

const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const type = 'CHECKPOINT';

/** A process that takes tasks; `hold` keeps the first one in hand. */
async function consume(dispatch: TestDispatch, hold: Promise<void> = Promise.resolve()) {
  const taken: string[] = [];
  const ended: string[] = [];
  const process = async ({ taskId }: { taskId: string }): Promise<Delivery> => {
    taken.push(taskId);
    await hold;
    ended.push(taskId);
    return { kind: 'done' };
  };
  const workers: Consumers = dispatch.track(dispatch.startTaskWorkers({ types: [type], concurrency: 1, process }));
  await workers.ready();
  return { workers, taken, ended };
}

it('takes nothing while paused and leaves it to others, and takes work again afterwards', {
  timeout: 60_000,
}, async () => {
  await using one = openDispatch(inject('redisUrl'));
  await using two = openDispatch(inject('redisUrl'), { prefix: one.prefix });
  const [first, second] = await Promise.all([consume(one), consume(two)]);
  for (const [paused, other] of [
    [first, second],
    [second, first],
  ] as const) {
    paused.workers.pause();
    paused.workers.pause();
    const before = paused.taken.length;
    for (let round = 0; round < 5; round += 1) {
      const root = task([], type);
      await one.flows.add(flowOf([root]));
      await eventually(() => expect(other.ended).toContain(root.taskId));
    }
    expect(paused.taken).toHaveLength(before);
    paused.workers.resume();
    paused.workers.resume();
  }
  second.workers.pause();
  const last = task([], type);
  await one.flows.add(flowOf([last]));
  await eventually(() => expect(first.ended).toContain(last.taskId));
});

it('ends what it has in hand while it is paused, and takes what waited meanwhile when it resumes', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const hold = Promise.withResolvers<void>();
  const { workers, taken, ended } = await consume(dispatch, hold.promise);
  const [held, waiting] = [task([], type), task([], type)];
  await dispatch.flows.add(flowOf([held]));
  await eventually(() => expect(taken).toEqual([held.taskId]));
  workers.pause();
  await dispatch.flows.add(flowOf([waiting]));
  hold.resolve();
  await eventually(() => expect(ended).toEqual([held.taskId]));
  expect(taken).toEqual([held.taskId]);
  workers.resume();
  await eventually(() => expect(ended).toEqual([held.taskId, waiting.taskId]));
});

it('stops in order while it is paused', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const { workers } = await consume(dispatch);
  workers.pause();
  expect(await workers.stop({ deadlineMs: 5_000 })).toBe('drained');
  workers.resume();
  expect(workers.running).toBe(0);
});

it('finds a job whose wake-up was taken by a process that was killed', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  // First in line at the marker: it takes the wake-up and does nothing more, ever.
  const killed = new Redis(inject('redisUrl'));
  onTestFinished(() => killed.disconnect());
  const wakeUp = killed.bzpopmin(`${dispatch.prefix}:checkpoint:marker`, 0);
  const { taken } = await consume(dispatch);
  const root = task([], type);
  await dispatch.flows.add(flowOf([root]));
  expect(await wakeUp).not.toBeNull();
  await eventually(() => expect(taken).toEqual([root.taskId]));
});

describe('puts a delivery off by the time it is told, not by the clock of a process that is hours ahead:', () => {
  type Handler = () => Promise<Delivery>;
  const flow = async (dispatch: TestDispatch) => await dispatch.flows.add(flowOf([task([], type)]));
  const soon = { id: 'soon', cronExpression: '*/30 * * * * *', timezone: 'UTC' };
  it.each([
    {
      queue: 'checkpoint',
      add: flow,
      start: (dispatch: TestDispatch, process: Handler) =>
        dispatch.startTaskWorkers({ types: [type], concurrency: 1, process }),
    },
    {
      queue: 'finalise',
      add: async (dispatch: TestDispatch) => await dispatch.flows.add(flowOf([])),
      start: (dispatch: TestDispatch, finalise: Handler) => dispatch.startFinaliseWorker({ finalise }),
    },
    {
      queue: 'ticks',
      add: async (dispatch: TestDispatch) => await dispatch.tickTimers.set(soon),
      start: (dispatch: TestDispatch, onTick: Handler) => dispatch.startTickWorker({ onTick }),
    },
  ])('$queue', async ({ queue, add, start }) => {
    const trueNowMs = Date.now();
    await using dispatch = openDispatch(inject('redisUrl'), { nowMs: () => trueNowMs });
    await add(dispatch);
    setClock(trueNowMs + 2 * hourMs);
    const consumers = dispatch.track(
      start(dispatch, async () => {
        consumers.pause(); // as who finds that its clock is off: it would look too early
        return { kind: 'later', delayMs: 600 };
      }),
    );
    await eventually(async () => expect(await firstDelayedMs(dispatch, queue)).toBe(trueNowMs + 600));
  });
});

it('is not given back at once, over and over, what it put off while its clock is ahead by a little', async () => {
  const trueNowMs = Date.now();
  await using dispatch = openDispatch(inject('redisUrl'), { nowMs: () => trueNowMs });
  setClock(trueNowMs + 1_500);
  const finalise = vi.fn(async (): Promise<Delivery> => ({ kind: 'later', delayMs: 250 }));
  dispatch.track(dispatch.startFinaliseWorker({ finalise }));
  await dispatch.flows.add(flowOf([]));
  // By its own clock, which `waitFor` moves on a little.
  await eventually(async () =>
    expect(await firstDelayedMs(dispatch, 'finalise')).toBeGreaterThanOrEqual(trueNowMs + 1_750),
  );
  expect(finalise).toHaveBeenCalledTimes(1);
});

const hourMs = 3_600_000;

/** Sets this process's clock, which then stands still but for what `vi.waitFor` moves it on. */
function setClock(nowMs: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: nowMs });
  onTestFinished(() => void vi.useRealTimers());
}

/** When the first delayed delivery of a queue comes; NaN while there is none. */
async function firstDelayedMs({ redis, prefix }: TestDispatch, queue: string): Promise<number> {
  const [, score] = await redis.zrange(`${prefix}:${queue}:delayed`, '0', '0', 'WITHSCORES');
  return Math.floor(Number(score) / 0x1000); // BullMQ keeps twelve bits for the order
}

import type { Delivery } from '@slacktide/application';
import { TaskAbort } from '@slacktide/application';
import { expect, inject, it, vi } from 'vitest';
import { Connections } from './connection.ts';
import { consumeQueues } from './consume-queues.ts';
import { flowOf, openDispatch, type TestDispatch, task, types } from './dispatch.fixture.ts';
import type { TaskDelivery } from './task-queue-worker.ts';

/** Tries until it holds: other work may have the machine meanwhile. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const done: Delivery = { kind: 'done' };

/** Work that goes on until the test lets it. */
function gate(): {
  readonly started: TaskDelivery[];
  process(delivery: TaskDelivery): Promise<Delivery>;
  open(): void;
} {
  const started: TaskDelivery[] = [];
  const opened = Promise.withResolvers<void>();
  return {
    started,
    async process(delivery) {
      started.push(delivery);
      await opened.promise;
      return done;
    },
    open: opened.resolve,
  };
}

it('keeps one bound over all queues, and lets every queue have its turn', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const order: string[] = [];
  const pair: (() => void)[] = [];
  let [running, most] = [0, 0];
  const workers = dispatch.startTaskWorkers({
    types,
    concurrency: 2,
    process: async ({ type }) => {
      most = Math.max(most, ++running);
      order.push(type);
      // Two at a time: each waits for the other.
      await new Promise<void>((resolve) => {
        if (pair.push(resolve) === 2) for (const go of pair.splice(0)) go();
      });
      running -= 1;
      return done;
    },
  });
  dispatch.track(workers);
  await workers.ready();
  const roots = types.flatMap((type) => Array.from({ length: 6 }, () => task([], type)));
  await dispatch.flows.add(flowOf(roots));
  await eventually(() => expect(order).toHaveLength(roots.length));
  expect(most).toBe(2);
  // No queue was emptied while another waited.
  for (const type of types) expect(order.slice(0, 12)).toContain(type);
  await eventually(() => expect(workers.running).toBe(0));
});

it('leaves what it has no slot for to another process', { timeout: 30_000 }, async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await using other = openDispatch(inject('redisUrl'), { prefix: dispatch.prefix });
  const busy = gate();
  const workers = dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 1, process: busy.process }));
  await dispatch.flows.add(flowOf([task([], 'CHECKPOINT')]));
  await eventually(() => expect(busy.started).toHaveLength(1));
  const idle: string[] = [];
  const others = other.track(
    other.startTaskWorkers({
      types,
      concurrency: 2,
      process: async ({ taskId }) => {
        idle.push(taskId);
        return done;
      },
    }),
  );
  await Promise.all([workers.ready(), others.ready()]);
  for (let round = 1; round <= 10; round += 1) {
    await dispatch.flows.add(flowOf(types.map((type) => task([], type))));
    await eventually(() => expect(idle).toHaveLength(round * types.length));
  }
  expect(busy.started).toHaveLength(1);
  busy.open();
});

it('takes only the types it was told to', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const [mine, foreign] = [task([], 'CHECKPOINT'), task([], 'NOBODY_KNOWS_IT')];
  await dispatch.flows.add(flowOf([mine, foreign]));
  const delivered: TaskDelivery[] = [];
  const process = async (delivery: TaskDelivery): Promise<Delivery> => {
    delivered.push(delivery);
    return done;
  };
  dispatch.track(dispatch.startTaskWorkers({ types: ['CHECKPOINT'], concurrency: 2, process }));
  await eventually(() => expect(delivered).toMatchObject([{ taskId: mine.taskId, generation: 0, type: 'CHECKPOINT' }]));
  expect(await dispatch.redis.lrange(`${dispatch.prefix}:nobody-knows-it:wait`, 0, -1)).toEqual([
    `${foreign.taskId}-0`,
  ]);
});

it('delivers again when infrastructure failed, and tells Redis nothing of the reason', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const process = vi
    .fn(async () => done)
    .mockRejectedValueOnce(new Error('connect postgres://ledger:hunter2@db failed'));
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 1, process }));
  await dispatch.flows.add(flowOf([task()]));
  await eventually(() => expect(process).toHaveBeenCalledOnce());
  await eventually(() =>
    expect(dispatch.errors.map(String)).toContain('Error: connect postgres://ledger:hunter2@db failed'),
  );
  await eventually(async () => expect(await contentOf(dispatch)).toContain('delivery failed: Error'));
  expect(await contentOf(dispatch)).not.toContain('hunter2');
  await eventually(() => expect(process).toHaveBeenCalledTimes(2));
});

it('sets a malformed job aside and goes on', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const queue = dispatch.queues.find(({ name }) => name === 'checkpoint');
  const payloads = [null, 7, [], { taskId: 1, generation: 1 }, { taskId: '../x' }, { taskId: 'a', generation: -1 }];
  for (const payload of payloads) await queue?.add('CHECKPOINT', payload, { attempts: 3 });
  const process = vi.fn(async () => done);
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 2, process }));
  await dispatch.flows.add(flowOf([task([], 'CHECKPOINT')]));
  await eventually(() => expect(process).toHaveBeenCalledOnce());
  await eventually(async () => expect(await queue?.getFailedCount()).toBe(payloads.length));
});

it('waits for what is in hand when it stops, and takes nothing new', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const work = gate();
  const workers = dispatch.startTaskWorkers({ types, concurrency: 2, process: work.process });
  await dispatch.flows.add(flowOf([task()]));
  await eventually(() => expect(work.started).toHaveLength(1));
  const stopped = workers.stop({ deadlineMs: 10_000 });
  await dispatch.flows.add(flowOf([task(), task([], 'CHECKPOINT')]));
  work.open();
  expect(await stopped).toBe('drained');
  expect(work.started).toHaveLength(1);
  expect(await workers.stop({ deadlineMs: 0 })).toBe('drained');

  const others = vi.fn(async () => done);
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 1, process: others }));
  await eventually(() => expect(others).toHaveBeenCalledTimes(2));
});

it('wakes another worker of each queue when it stops, which else would sleep on', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const workers = dispatch.startTaskWorkers({ types, concurrency: 1, process: async () => done });
  await workers.ready();
  await workers.stop({ deadlineMs: 0 });
  for (const queue of dispatch.queues.filter(({ name }) => !['ticks', 'finalise'].includes(name))) {
    expect(await dispatch.redis.zscore(queue.toKey('marker'), '0')).toBe('0');
  }
});

it('aborts at the deadline what does not end', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const reasons: unknown[] = [];
  const work = gate();
  const workers = dispatch.startTaskWorkers({
    types,
    concurrency: 1,
    process: async (delivery) => {
      work.started.push(delivery);
      await new Promise((resolve) => delivery.signal.addEventListener('abort', resolve));
      reasons.push(delivery.signal.reason);
      return { kind: 'later', delayMs: 0 };
    },
  });
  await dispatch.flows.add(flowOf([task()]));
  await eventually(() => expect(work.started).toHaveLength(1));
  expect(await workers.stop({ deadlineMs: 10 })).toBe('aborted');
  expect(reasons).toEqual([new TaskAbort('draining')]);
  const queue = dispatch.queues.find(({ name }) => name === 'index-rebuild');
  expect(await queue?.getDelayedCount()).toBe(1);
});

/** Consumers of one queue whose locks last but half a second. */
function withShortLocks(
  dispatch: TestDispatch,
  handle: Parameters<typeof consumeQueues>[1]['handle'],
): ReturnType<typeof consumeQueues> {
  const onError = (error: Error): number => dispatch.errors.push(error);
  const connections = new Connections(inject('redisUrl'), onError);
  const consumers = consumeQueues(
    { connections, prefix: dispatch.prefix, telemetry: undefined, nowMs: Date.now, onError },
    { queues: ['checkpoint'], concurrency: 1, times: { lockMs: 400, stalledCheckMs: 200 }, handle },
  );
  return dispatch.track({
    ...consumers,
    async stop(options) {
      const result = await consumers.stop(options);
      await connections.close();
      return result;
    },
  });
}

it('delivers again what a dead worker had in hand, however often', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await dispatch.flows.add(flowOf([task([], 'CHECKPOINT')]));
  for (let death = 0; death < 3; death += 1) {
    const started = Promise.withResolvers<void>();
    const mortal = withShortLocks(dispatch, async () => {
      started.resolve();
      return await new Promise(() => undefined);
    });
    await started.promise;
    await mortal.stop({ deadlineMs: 0, graceMs: 0 });
  }
  const survivor = vi.fn(async () => done);
  withShortLocks(dispatch, survivor);
  await eventually(() => expect(survivor).toHaveBeenCalledOnce());
});

it("lets work go on whose lock is gone, or another worker's: whether it may is for the ledger to say", async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const root = task([], 'CHECKPOINT');
  const started = Promise.withResolvers<AbortSignal>();
  const released = Promise.withResolvers<void>();
  withShortLocks(dispatch, async (_, signal) => {
    started.resolve(signal);
    await released.promise;
    return done;
  });
  await dispatch.flows.add(flowOf([root]));
  const signal = await started.promise;
  const lock = `${dispatch.prefix}:checkpoint:${root.taskId}-0:lock`;
  await dispatch.redis.del(lock);
  await eventually(() =>
    expect(dispatch.errors.map(String)).toContainEqual(expect.stringContaining('could not renew lock')),
  );
  expect(signal.aborted).toBe(false);
  await dispatch.redis.set(lock, 'another worker');
  const { length } = dispatch.errors;
  await eventually(() => expect(dispatch.errors.length).toBeGreaterThan(length));
  expect(signal.aborted).toBe(false);
  await dispatch.redis.del(lock);
  released.resolve();
});

/** All hashes of a dispatch, as text. */
async function contentOf(dispatch: TestDispatch): Promise<string> {
  const hashes = await Promise.all(
    (await dispatch.keys()).map(async (key) =>
      (await dispatch.redis.type(key)) === 'hash' ? await dispatch.redis.hgetall(key) : {},
    ),
  );
  return JSON.stringify(hashes);
}

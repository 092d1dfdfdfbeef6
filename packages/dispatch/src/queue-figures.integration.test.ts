import type { Delivery } from '@slacktide/application';
import { expect, inject, it, vi } from 'vitest';
import { flowOf, openDispatch, type TestDispatch, task } from './dispatch.fixture.ts';
import type { QueueFigures } from './queue-figures.ts';

/** Tries until it holds: other work may have the machine meanwhile. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const done: Delivery = { kind: 'done' };

async function figuresOf(dispatch: TestDispatch, queue: string): Promise<QueueFigures | undefined> {
  return (await dispatch.queueFigures()).find((figures) => figures.queue === queue);
}

it('counts what stands in each queue and who is there to work', { timeout: 20_000 }, async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await using other = openDispatch(inject('redisUrl'), { prefix: dispatch.prefix });
  const held = Promise.withResolvers<void>();
  const process = async (): Promise<Delivery> => {
    await held.promise;
    return done;
  };
  const workers = [dispatch, other].map((each) =>
    each.track(each.startTaskWorkers({ types: ['CHECKPOINT'], concurrency: 1, process })),
  );
  await Promise.all(workers.map((worker) => worker.ready()));
  const checkpoints = [1, 2, 3, 4, 5].map(() => task([], 'CHECKPOINT'));
  await dispatch.flows.add(flowOf([task(checkpoints, 'MVCC_CLEANUP'), task()]));
  await eventually(() => expect(workers.map(({ running }) => running)).toEqual([1, 1]));

  await eventually(async () =>
    expect(await figuresOf(dispatch, 'checkpoint')).toEqual({
      queue: 'checkpoint',
      taskType: 'CHECKPOINT',
      waiting: 3,
      active: 2,
      delayed: 0,
      prioritized: 0,
      waitingChildren: 0,
      failed: 0,
      workers: 2,
      oldestWaitingSeconds: expect.any(Number),
    }),
  );
  expect(await figuresOf(dispatch, 'mvcc-cleanup')).toMatchObject({
    waitingChildren: 1,
    workers: 0,
    oldestWaitingSeconds: null,
  });
  expect(await figuresOf(dispatch, 'index-rebuild')).toMatchObject({ waiting: 1, workers: 0 });
  expect(await figuresOf(dispatch, 'finalise')).toMatchObject({ taskType: null, waitingChildren: 1 });
  held.resolve();
});

it('reckons the wait of a task from when it could have begun', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const [leaf, alone] = [task([], 'CHECKPOINT'), task()];
  const parent = task([leaf], 'MVCC_CLEANUP');
  await dispatch.flows.add(flowOf([parent, alone]));
  const hourAgo = Date.now() - 3_600_000;
  for (const [queue, { taskId }] of [
    ['mvcc-cleanup', parent],
    ['index-rebuild', alone],
  ] as const) {
    await dispatch.redis.hset(`${dispatch.prefix}:${queue}:${taskId}-0`, 'timestamp', hourAgo);
  }
  dispatch.track(dispatch.startTaskWorkers({ types: ['CHECKPOINT'], concurrency: 1, process: async () => done }));
  await eventually(async () => expect(await figuresOf(dispatch, 'mvcc-cleanup')).toMatchObject({ waiting: 1 }));
  const [waited, sinceChild] = await Promise.all(
    ['index-rebuild', 'mvcc-cleanup'].map(async (queue) => (await figuresOf(dispatch, queue))?.oldestWaitingSeconds),
  );
  expect(waited).toBeGreaterThanOrEqual(3_600);
  expect(sinceChild).toBeLessThan(60);
});

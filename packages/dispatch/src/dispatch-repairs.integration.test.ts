import type { Delivery } from '@slacktide/application';
import type { FlowNode, JobFlow, OpenFlow } from '@slacktide/application/ports';
import { nextFiring } from '@slacktide/domain';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { startRedis } from '../../../test/support/redis.ts';
import { RedisAway } from './connection.ts';
import { flowOf, nodesOf, openDispatch, type TestDispatch, task, types } from './dispatch.fixture.ts';

/** Tries until it holds: other work may have the machine meanwhile. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });
const done: Delivery = { kind: 'done' };

/** The flow as the ledger has it while none of its tasks is over, or only those of `open` are not. */
function openFlow({ jobId, generation, roots }: JobFlow, open: readonly FlowNode[] = nodesOf(roots)): OpenFlow {
  return { jobId, generation, openTasks: open.map(({ taskId, type }) => ({ taskId, type })) };
}
const whole = ({ jobId, generation }: JobFlow) => [{ jobId, generation, missingTaskIds: null }];

/** A chain of two tasks beside a single one. */
function someFlow() {
  const first = task([], 'CHECKPOINT');
  const second = task([first], 'MVCC_CLEANUP');
  const single = task([], 'INDEX_REBUILD');
  return { first, second, single, flow: flowOf([second, single]) };
}

const keyOf = ({ prefix }: TestDispatch, { taskId, type }: FlowNode, generation = 0): string =>
  `${prefix}:${type.toLowerCase().replace('_', '-')}:${taskId}-${generation}`;

describe('looking for lost flows', () => {
  it('finds none that is whole, in any phase', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const { first, second, single, flow } = someFlow();
    const { findLost } = dispatch.repairs;
    await dispatch.flows.add(flow);
    expect(await findLost([openFlow(flow)])).toEqual([]);

    const held = Promise.withResolvers<void>();
    const started: string[] = [];
    const finalise = Promise.withResolvers<void>();
    const finalised = vi.fn(async () => {
      await finalise.promise;
      return done;
    });
    dispatch.track(dispatch.startFinaliseWorker({ finalise: finalised }));
    let later = 1;
    dispatch.track(
      dispatch.startTaskWorkers({
        types,
        concurrency: 4,
        process: async ({ taskId }) => {
          if (taskId === single.taskId && later-- > 0) return { kind: 'later', delayMs: 600_000 };
          started.push(taskId);
          if (taskId === second.taskId) await held.promise;
          return done;
        },
      }),
    );
    await eventually(() => expect(started).toContain(second.taskId));
    await eventually(async () =>
      expect(await dispatch.redis.zcard(`${dispatch.prefix}:index-rebuild:delayed`)).toBe(1),
    );
    // First done, second active, single delayed.
    expect(await findLost([openFlow(flow, [second, single])])).toEqual([]);
    held.resolve();
    const [job] = (await dispatch.queues.find(({ name }) => name === 'index-rebuild')?.getDelayed()) ?? [];
    await job?.promote();
    await eventually(() => expect(finalised).toHaveBeenCalled());
    expect(await findLost([openFlow(flow, [])])).toEqual([]);
    expect(started).toContain(first.taskId);
    finalise.resolve();
  });

  it('finds each that is gone as a whole, among those that are not', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const flows = Array.from({ length: 120 }, () => someFlow().flow);
    for (const [index, flow] of flows.entries()) if (index % 3 !== 0) await dispatch.flows.add(flow);
    const lost = await dispatch.repairs.findLost(flows.map((flow) => openFlow(flow)));
    expect(lost).toEqual(flows.filter((_, index) => index % 3 === 0).flatMap(whole));
  });

  it.each([
    ['the root', (d: TestDispatch, f: ReturnType<typeof someFlow>) => [`${d.prefix}:finalise:${f.flow.jobId}-0`]],
    ['the root’s place', (d: TestDispatch) => [`${d.prefix}:finalise:waiting-children`]],
    [
      'what the root waits for',
      (d: TestDispatch, f: ReturnType<typeof someFlow>) => [`${d.prefix}:finalise:${f.flow.jobId}-0:dependencies`],
    ],
    ['a leaf', (d: TestDispatch, f: ReturnType<typeof someFlow>) => [keyOf(d, f.first)]],
    ['the list a leaf is in', (d: TestDispatch) => [`${d.prefix}:checkpoint:wait`]],
    ['a node in the middle', (d: TestDispatch, f: ReturnType<typeof someFlow>) => [keyOf(d, f.second)]],
    [
      'what a node in the middle waits for',
      (d: TestDispatch, f: ReturnType<typeof someFlow>) => [`${keyOf(d, f.second)}:dependencies`],
    ],
  ])('finds one that lost %s', async (_, keysToLose) => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const some = someFlow();
    await dispatch.flows.add(some.flow);
    expect(await dispatch.redis.del(keysToLose(dispatch, some))).toBe(1);
    expect(await dispatch.repairs.findLost([openFlow(some.flow)])).toEqual(whole(some.flow));
  });

  it('names the open tasks whose deliveries ended for want of infrastructure', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const { first, second, single, flow } = someFlow();
    await dispatch.flows.add(flow);
    dispatch.track(dispatch.startTaskWorkers({ types: ['CHECKPOINT'], concurrency: 1, process: async () => done }));
    await eventually(async () =>
      expect(await dispatch.repairs.findLost([openFlow(flow)])).toEqual([
        { jobId: flow.jobId, generation: 0, missingTaskIds: [first.taskId] },
      ]),
    );
    expect(await dispatch.repairs.findLost([openFlow(flow, [second, single])])).toEqual([]);
    const stranger = { taskId: flow.jobId, type: 'CHECKPOINT', children: [] };
    expect(await dispatch.repairs.findLost([openFlow(flow, [second, stranger])])).toMatchObject([
      { missingTaskIds: [stranger.taskId] },
    ]);
  });

  it('says that Redis is away', async () => {
    const server = await startRedis();
    await using dispatch = openDispatch(server.url);
    await dispatch.flows.add(someFlow().flow);
    await server.stop();
    await expect(dispatch.repairs.findLost([openFlow(someFlow().flow)])).rejects.toThrow(RedisAway);
    await expect(dispatch.repairs.lookFurther()).rejects.toThrow(RedisAway);
    await expect(dispatch.repairs.setTimers([nightly])).rejects.toThrow(RedisAway);
    await expect(dispatch.knock()).rejects.toThrow(RedisAway);
  });
});

/** Looks until it has come round. */
async function lookRound({ repairs }: TestDispatch) {
  const [flows, strays] = [[], []] as [JobFlowId[], { queue: string; id: string }[]];
  for (;;) {
    const stretch = await repairs.lookFurther();
    flows.push(...stretch.flows);
    strays.push(...stretch.strays);
    if (stretch.isLast) return { flows, strays };
  }
}
type JobFlowId = Pick<JobFlow, 'jobId' | 'generation'>;

describe('looking for strays', () => {
  it('sees flows by their roots, and no strays where all is whole', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const flows = Array.from({ length: 30 }, (_, generation) => flowOf([task([task()])], { generation }));
    for (const flow of flows) await dispatch.flows.add(flow);
    await dispatch.tickTimers.set(nightly);
    const seen = await lookRound(dispatch);
    expect(seen.strays).toEqual([]);
    const sorted = (ids: readonly JobFlowId[]) =>
      ids.map(({ jobId, generation }) => ({ jobId, generation })).toSorted((a, b) => a.generation - b.generation);
    expect(sorted(seen.flows)).toEqual(sorted(flows));
    for (const flow of flows) expect(await dispatch.repairs.removeFlow(flow)).toBe(true);
    for (const flow of flows) expect(await dispatch.repairs.removeFlow(flow)).toBe(false);
    expect((await lookRound(dispatch)).flows).toEqual([]);
    expect((await dispatch.keys()).filter((key) => /[0-9a-f]{8}-/.test(key.slice(dispatch.prefix.length)))).toEqual([]);
  });

  it('does not mix up prefixes, not even with one that reads like a pattern', async () => {
    const prefix = `test-[a]*${process.pid}`;
    await using dispatch = openDispatch(inject('redisUrl'), { prefix });
    await using other = openDispatch(inject('redisUrl'), { prefix: `${prefix}b` });
    const flow = flowOf([task()]);
    await dispatch.flows.add(flow);
    await other.flows.add(flowOf([task()]));
    const { flows } = await lookRound(dispatch);
    expect(flows).toEqual([{ jobId: flow.jobId, generation: 0 }]);
    await dispatch.repairs.removeFlow(flow);
  });

  it('removes every trace of flows that lost their roots, in any place, whatever is left of them', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const flows = Array.from({ length: 4 }, someFlow);
    for (const { flow } of flows) await dispatch.flows.add(flow);
    const failing = flows[1]?.first.taskId;
    const workers = dispatch.startTaskWorkers({
      types: ['CHECKPOINT'],
      concurrency: 2,
      process: async ({ taskId }) => (taskId === failing ? { kind: 'later', delayMs: 600_000 } : done),
    });
    await eventually(async () =>
      expect((await dispatch.queueFigures()).find(({ queue }) => queue === 'checkpoint')).toMatchObject({
        waiting: 0,
        active: 0,
        delayed: 1,
      }),
    );
    await workers.stop({ deadlineMs: 1_000 });
    const roots = flows.map(({ flow }) => `${dispatch.prefix}:finalise:${flow.jobId}-0`);
    await dispatch.redis.del(...roots, keyOf(dispatch, (flows[2] as (typeof flows)[0]).second));
    const { strays } = await lookRound(dispatch);
    expect(strays).toContainEqual({ queue: 'checkpoint', id: `${failing}-0` });
    for (const stray of strays) expect(await dispatch.repairs.removeStray(stray)).toBe(true);
    // What was found by a key of its own may have hung below another: a second look finds the rest.
    for (const flow of (await lookRound(dispatch)).flows) await dispatch.repairs.removeFlow(flow);
    for (const stray of (await lookRound(dispatch)).strays) await dispatch.repairs.removeStray(stray);
    expect((await dispatch.keys()).filter((key) => /[0-9a-f]{8}-/.test(key.slice(dispatch.prefix.length)))).toEqual([]);
    // Figures are read anew once a second.
    await eventually(async () => {
      for (const figures of await dispatch.queueFigures()) {
        expect(figures).toMatchObject({ waiting: 0, active: 0, delayed: 0, failed: 0, waitingChildren: 0 });
      }
    });
  });

  it('removes what somebody else put there, but not out of a worker’s hands', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const queue = dispatch.queues.find(({ name }) => name === 'checkpoint');
    await queue?.add('x', { taskId: 'x', generation: 1 }, { jobId: 'forged' });
    await dispatch.queues.find(({ name }) => name === 'finalise')?.add('x', {}, { jobId: 'root' });
    const { strays } = await lookRound(dispatch);
    expect(strays).toEqual(
      expect.arrayContaining([
        { queue: 'checkpoint', id: 'forged' },
        { queue: 'finalise', id: 'root' },
      ]),
    );
    await dispatch.redis.set(`${dispatch.prefix}:checkpoint:forged:lock`, 'a worker');
    expect(await dispatch.repairs.removeStray({ queue: 'checkpoint', id: 'forged' })).toBe(false);
    expect((await lookRound(dispatch)).strays).toEqual([{ queue: 'finalise', id: 'root' }]);
    await dispatch.redis.del(`${dispatch.prefix}:checkpoint:forged:lock`);
    for (const stray of strays) expect(await dispatch.repairs.removeStray(stray)).toBe(true);
    expect((await lookRound(dispatch)).strays).toEqual([]);
  });
});

const nightly = { id: 'nightly', cronExpression: '0 3 * * *', timezone: 'Europe/Berlin' };
const hourly = { id: 'hourly', cronExpression: '0 * * * *', timezone: 'UTC' };

describe('timers', () => {
  it('finds those that are missing, differ, or have no tick to come; sets them; and finds none', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const { repairs, redis, prefix } = dispatch;
    const timers = Array.from({ length: 450 }, (_, n) => ({ ...hourly, id: `s${n}` }));
    expect(await repairs.findStaleTimers(timers)).toEqual(timers);
    expect(await repairs.setTimers(timers)).toEqual([]);
    expect(await repairs.countTimers()).toBe(450);
    expect((await repairs.listTimers()).toSorted()).toEqual(timers.map(({ id }) => id).toSorted());
    expect(await repairs.findStaleTimers(timers)).toEqual([]);

    const due = nextFiring(hourly.cronExpression, hourly.timezone, new Date())?.getTime();
    const changed = timers.map((timer) => {
      if (timer.id === 's1') return { ...timer, cronExpression: '1 * * * *' };
      return timer.id === 's2' ? { ...timer, timezone: 'Europe/Berlin' } : timer;
    });
    await redis.del(`${prefix}:ticks:repeat:s3`);
    await redis.zrem(`${prefix}:ticks:repeat`, 's4');
    await redis.del(`${prefix}:ticks:repeat:s5:${due}`);
    await redis.zrem(`${prefix}:ticks:delayed`, `repeat:s6:${due}`);
    await dispatch.tickTimers.remove('s7');
    const stale = await repairs.findStaleTimers(changed);
    expect(stale.map(({ id }) => id)).toEqual(['s1', 's2', 's3', 's4', 's5', 's6', 's7']);
    expect(await repairs.setTimers(stale)).toEqual([]);
    expect(await repairs.findStaleTimers(changed)).toEqual([]);
    expect(await redis.zcard(`${prefix}:ticks:delayed`)).toBe(450);
    await repairs.removeTimers(timers.map(({ id }) => id));
    expect(await repairs.countTimers()).toBe(0);
  });

  it('sets the others when one cannot be set', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    const broken = { id: 'broken', cronExpression: 'every now and then', timezone: 'UTC' };
    expect(await dispatch.repairs.setTimers([broken, nightly])).toMatchObject([{ scheduleId: 'broken' }]);
    expect(await dispatch.repairs.listTimers()).toEqual(['nightly']);
  });
});

describe('sleeping queues', () => {
  it('are woken when the marker was taken by a worker that died: a waiting and an overdue delivery come at once', async () => {
    let aheadMs = 0;
    await using dispatch = openDispatch(inject('redisUrl'), { nowMs: () => Date.now() + aheadMs });
    const { redis, prefix, repairs } = dispatch;
    const delivered: string[] = [];
    let later = 1;
    const workers = dispatch.startTaskWorkers({
      types: ['CHECKPOINT', 'INDEX_REBUILD'],
      concurrency: 2,
      process: async ({ taskId, type }) => {
        if (type === 'CHECKPOINT' && later-- > 0) return { kind: 'later', delayMs: 1 };
        delivered.push(taskId);
        return done;
      },
    });
    dispatch.track(workers);
    await workers.ready();
    expect(await repairs.wakeQueues()).toEqual([]);

    // As if a worker had been killed with each marker in hand: what waits, waits unseen.
    const [waiting, delayed] = [task([], 'INDEX_REBUILD'), task([], 'CHECKPOINT')];
    const hide = async (node: FlowNode, place: string) => {
      const queue = keyOf(dispatch, node).slice(0, -node.taskId.length - 3);
      const id = `${node.taskId}-0`;
      const multi = redis.multi().hset(keyOf(dispatch, node), {
        name: 'x',
        data: JSON.stringify({ taskId: node.taskId, generation: 0 }),
        opts: '{}',
        timestamp: Date.now(),
        delay: 0,
        priority: 0,
      });
      await (place === 'wait'
        ? multi.lpush(`${queue}:wait`, id)
        : multi.zadd(`${queue}:delayed`, (Date.now() - 5_000) * 0x1000, id)
      ).exec();
    };
    await hide(waiting, 'wait');
    await hide(delayed, 'delayed');
    later = 0;
    // Workers may be about to look, however often somebody asks meanwhile.
    for (let looks = 0; looks < 3; looks++) expect(await repairs.wakeQueues()).toEqual([]);
    aheadMs = 60_000;
    expect((await repairs.wakeQueues()).toSorted()).toEqual(['checkpoint', 'index-rebuild']);
    await eventually(() => expect(delivered.toSorted()).toEqual([waiting.taskId, delayed.taskId].toSorted()));
    expect(prefix).not.toBe('');
  });

  it('are left alone while a delivery is delayed, and when a marker is there', async () => {
    await using dispatch = openDispatch(inject('redisUrl'));
    await dispatch.flows.add(flowOf([task()]));
    for (let looks = 0; looks < 3; looks++) expect(await dispatch.repairs.wakeQueues()).toEqual([]);
    await dispatch.tickTimers.set(nightly);
    await dispatch.redis.del(`${dispatch.prefix}:ticks:marker`);
    for (let looks = 0; looks < 3; looks++) expect(await dispatch.repairs.wakeQueues()).toEqual([]);
  });

  it('are judged by the time it is told, not by the clock of a process that is ahead', async () => {
    const trueNowMs = Date.now();
    await using dispatch = openDispatch(inject('redisUrl'), { nowMs: () => trueNowMs });
    await dispatch.tickTimers.set(nightly);
    await dispatch.redis.del(`${dispatch.prefix}:ticks:marker`);
    vi.useFakeTimers({ toFake: ['Date'], now: trueNowMs + 48 * 3_600_000 });
    onTestFinished(() => void vi.useRealTimers());
    for (let looks = 0; looks < 3; looks++) expect(await dispatch.repairs.wakeQueues()).toEqual([]);
  });
});

it('takes a Redis that is full for one that is away', async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  await using dispatch = openDispatch(server.url);
  await dispatch.knock();
  await dispatch.redis.config('SET', 'maxmemory', '1');
  await expect(dispatch.flows.add(someFlow().flow)).rejects.toThrow(RedisAway);
  await expect(dispatch.knock()).rejects.toThrow(RedisAway);
  await dispatch.redis.config('SET', 'maxmemory', '0');
  await dispatch.knock();
});

import type { Delivery } from '@slacktide/application';
import type { FlowNode } from '@slacktide/application/ports';
import { UnrecoverableError } from 'bullmq';
import fc from 'fast-check';
import { expect, inject, it, vi } from 'vitest';
import { flowOf, nodesOf, openDispatch, type TestDispatch, task, types } from './dispatch.fixture.ts';

/** Tries until it holds: other work may have the machine meanwhile. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const done: Delivery = { kind: 'done' };
const soon: Delivery = { kind: 'later', delayMs: 1 };

/** Runs every delivery of `dispatch` and writes down what was delivered, roots as `finalise <job>`. */
function runAll(
  dispatch: TestDispatch,
  answer: (id: string) => Delivery = () => done,
): { readonly log: string[]; finalised(jobId: string): Promise<void> } {
  const log: string[] = [];
  const note = async (id: string): Promise<Delivery> => {
    log.push(id);
    return answer(id);
  };
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 4, process: ({ taskId }) => note(taskId) }));
  dispatch.track(dispatch.startFinaliseWorker({ finalise: ({ jobId }) => note(`finalise ${jobId}`) }));
  return {
    log,
    finalised: (jobId) => eventually(() => expect(log).toContain(`finalise ${jobId}`)),
  };
}

const trees: fc.Arbitrary<FlowNode> = fc.letrec<{ node: FlowNode }>((tie) => ({
  node: fc
    .record({
      taskId: fc.uuid({ version: 7 }),
      type: fc.constantFrom(...types),
      children: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('node'), { maxLength: 3 })),
    })
    .map((node) => node as FlowNode),
})).node;

it('runs every task of any tree once, children before parents, the root last', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const run = runAll(dispatch);
  const forests = fc.uniqueArray(trees, { selector: (node) => node.taskId, minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(forests, async (roots) => {
      run.log.length = 0;
      const flow = flowOf(roots);
      await dispatch.flows.add(flow);
      await run.finalised(flow.jobId);
      const place = (id: string): number => run.log.indexOf(id);
      const nodes = nodesOf(roots);
      expect([...run.log].sort()).toEqual([...nodes.map((node) => node.taskId), `finalise ${flow.jobId}`].sort());
      expect(run.log.at(-1)).toBe(`finalise ${flow.jobId}`);
      for (const node of nodes)
        for (const child of node.children) expect(place(child.taskId)).toBeLessThan(place(node.taskId));
    }),
    { numRuns: 25 },
  );
});

it('carries ids and a generation, nothing more, and keeps every node', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const flow = flowOf([task([task([], 'CHECKPOINT'), task()], 'MVCC_CLEANUP')], { generation: 7 });
  await dispatch.flows.add(flow);
  for (const node of nodesOf(flow.roots)) {
    const queue = dispatch.queues.find(({ name }) => name === node.type.toLowerCase().replace('_', '-'));
    const job = await queue?.getJob(`${node.taskId}-7`);
    expect(job?.data).toEqual({ taskId: node.taskId, generation: 7 });
    expect(job?.opts).toMatchObject({ removeOnComplete: false, removeOnFail: false, ignoreDependencyOnFailure: true });
    expect(job?.opts).not.toHaveProperty('telemetry');
  }
  const root = await dispatch.queues.find(({ name }) => name === 'finalise')?.getJob(`${flow.jobId}-7`);
  expect(root?.data).toEqual({ jobId: flow.jobId, generation: 7 });
  expect(root?.opts.ignoreDependencyOnFailure).toBeUndefined();
});

it('refuses a payload of 1 KiB and adds nothing', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const huge = { ...task(), taskId: 'x'.repeat(1_024) };
  const flow = flowOf([task(), huge]);
  await expect(dispatch.flows.add(flow)).rejects.toThrow('expected a payload below 1024 B');
  expect((await dispatch.keys()).filter((key) => key.includes(flow.jobId))).toEqual([]);
});

it.each(['a leaf', 'a node in the middle', 'the root'])('keeps the order when %s comes again later', async (which) => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const leaf = task([], 'CHECKPOINT');
  const middle = task([leaf], 'MVCC_CLEANUP');
  const last = task([middle]);
  const flow = flowOf([last]);
  const root = `finalise ${flow.jobId}`;
  const slow = { 'a leaf': leaf.taskId, 'a node in the middle': middle.taskId, 'the root': root }[which];
  let postponed = 0;
  const run = runAll(dispatch, (id) => (id === slow && postponed++ < 2 ? soon : done));
  await dispatch.flows.add(flow);
  const order = [leaf.taskId, middle.taskId, last.taskId, root];
  const expected = order.flatMap((id) => (id === slow ? [id, id, id] : [id]));
  await eventually(() => expect(run.log).toEqual(expected));
});

it('adds the identical flow again without effect: fresh, half done, finished', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const first = task([], 'CHECKPOINT');
  const second = task([first]);
  const flow = flowOf([second]);
  const held = Promise.withResolvers<void>();
  const log: string[] = [];
  const process = async ({ taskId }: { taskId: string }): Promise<Delivery> => {
    log.push(taskId);
    if (taskId === second.taskId) await held.promise;
    return done;
  };
  await Promise.all([dispatch.flows.add(flow), dispatch.flows.add(flow)]);
  await dispatch.flows.add(flow);
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 4, process }));
  await eventually(() => expect(log).toEqual([first.taskId, second.taskId]));
  await dispatch.flows.add(flow);
  held.resolve();
  const finalise = vi.fn(async () => done);
  dispatch.track(dispatch.startFinaliseWorker({ finalise }));
  await eventually(() => expect(finalise).toHaveBeenCalledOnce());
  await dispatch.flows.add(flow);
  await eventually(async () => {
    for (const figures of await dispatch.queueFigures()) {
      expect(figures).toMatchObject({ waiting: 0, active: 0, waitingChildren: 0, failed: 0 });
    }
  });
  expect(log).toEqual([first.taskId, second.taskId]);
  expect(finalise).toHaveBeenCalledOnce();
  expect(dispatch.errors).toEqual([]);
});

it('goes on past a delivery that failed for good, also when the flow is added again', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const broken = task([], 'CHECKPOINT');
  const next = task([broken]);
  const flow = flowOf([next]);
  const held = Promise.withResolvers<void>();
  const log: string[] = [];
  const process = async ({ taskId }: { taskId: string }): Promise<Delivery> => {
    log.push(taskId);
    if (taskId === broken.taskId) throw new UnrecoverableError('not to be tried again');
    await held.promise;
    return done;
  };
  const finalise = vi.fn(async () => done);
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 2, process }));
  dispatch.track(dispatch.startFinaliseWorker({ finalise }));
  await dispatch.flows.add(flow);
  await eventually(() => expect(log).toEqual([broken.taskId, next.taskId]));
  await dispatch.flows.add(flow);
  held.resolve();
  await eventually(() => expect(finalise).toHaveBeenCalledOnce());
  expect(log).toEqual([broken.taskId, next.taskId]);
  await eventually(() => dispatch.flows.remove(flow));
  expect((await dispatch.keys()).filter((key) => key.includes(broken.taskId))).toEqual([]);
});

it('removes a finalised flow without a trace, even while the delivery that finalised it is about to end', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const flow = flowOf([task([task([], 'CHECKPOINT'), task()]), task([], 'MVCC_CLEANUP')]);
  let removal: Promise<void> | undefined;
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 4, process: async () => done }));
  dispatch.track(
    dispatch.startFinaliseWorker({
      finalise: async (root) => {
        removal ??= dispatch.flows.remove(root);
        return done;
      },
    }),
  );
  await dispatch.flows.add(flow);
  await eventually(() => expect(removal).toBeDefined());
  await removal;
  const ids = [flow.jobId, ...nodesOf(flow.roots).map((node) => node.taskId)];
  const keys = await dispatch.keys();
  expect(keys.filter((key) => ids.some((id) => key.includes(id)))).toEqual([]);
  expect(keys.filter((key) => /:(wait|active|delayed|completed|failed|waiting-children)$/.test(key))).toEqual([]);
  await dispatch.flows.remove(flow);
});

it('removes nothing of a flow that a worker is at', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const busy = task();
  const flow = flowOf([task([busy, task([], 'CHECKPOINT')], 'CHECKPOINT')]);
  const held = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const process = async (): Promise<Delivery> => {
    started.resolve();
    await held.promise;
    return done;
  };
  dispatch.track(dispatch.startTaskWorkers({ types: [busy.type], concurrency: 1, process }));
  await dispatch.flows.add(flow);
  await started.promise;
  await expect(dispatch.flows.remove(flow)).rejects.toThrow('still has a delivery in hand');
  const keys = await dispatch.keys();
  for (const id of [flow.jobId, ...nodesOf(flow.roots).map((node) => node.taskId)]) {
    expect(keys.some((key) => key.endsWith(`${id}-0`))).toBe(true);
  }
  held.resolve();
});

it('shares a flow between two processes, each task to one of them', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  await using other = openDispatch(inject('redisUrl'), { prefix: dispatch.prefix });
  const leaves = Array.from({ length: 20 }, (_, index) => task([], types[index % types.length]));
  const flow = flowOf([task(leaves)]);
  const log: string[] = [];
  const finalise = vi.fn(async () => done);
  for (const process of [dispatch, other]) {
    process.track(
      process.startTaskWorkers({
        types,
        concurrency: 2,
        process: async ({ taskId }) => {
          log.push(taskId);
          return done;
        },
      }),
    );
    process.track(process.startFinaliseWorker({ finalise }));
  }
  await dispatch.flows.add(flow);
  await eventually(() => expect(finalise).toHaveBeenCalledOnce());
  expect([...log].sort()).toEqual(
    nodesOf(flow.roots)
      .map((node) => node.taskId)
      .sort(),
  );
});

it('delivers what a person asked for before all that schedules have queued', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const ticks = Array.from({ length: 20 }, () => flowOf([task()]));
  for (const flow of ticks) await dispatch.flows.add(flow);
  const [asked, adHoc] = [flowOf([task()], { trigger: 'manual' }), flowOf([task()], { trigger: 'adhoc' })];
  await dispatch.flows.add(asked);
  await dispatch.flows.add(adHoc);
  const order: string[] = [];
  const process = async ({ taskId }: { taskId: string }): Promise<Delivery> => {
    order.push(taskId);
    return done;
  };
  dispatch.track(dispatch.startTaskWorkers({ types, concurrency: 1, process }));
  await eventually(() => expect(order).toHaveLength(22));
  const idsOf = (...flows: readonly { readonly roots: readonly FlowNode[] }[]): string[] =>
    flows.flatMap(({ roots }) => roots.map((node) => node.taskId));
  expect(new Set(order.slice(0, 2))).toEqual(new Set(idsOf(asked, adHoc)));
  expect(order.slice(2)).toEqual(idsOf(...ticks));
});

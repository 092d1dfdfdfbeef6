import { armFailpoints } from '@slacktide/application';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { claimedBy } from '../../support/executions.ts';
import { reconcileSetup } from './setup.ts';

const chain = { a: [], b: ['a'], c: ['b'] };

describe('Redis emptied', () => {
  it('before the message is relayed: nothing to put right', async () => {
    const { addJobOf, redis, newReconciler, heal, startWorkers, expectOnce } = await reconcileSetup();
    const job = await addJobOf(chain);
    await redis.flushall();
    const reconciler = newReconciler();
    expect(await reconciler.settle()).toEqual([]);
    startWorkers();
    await heal([job], [reconciler]);
    await expectOnce([job]);
  });

  it('before anything ran: the next generation runs it', async () => {
    const { addJobOf, redis, relay, newReconciler, heal, startWorkers, expectOnce, ledger } = await reconcileSetup();
    const job = await addJobOf(chain);
    await relay.run();
    await redis.flushall();
    const reconciler = newReconciler();
    expect(await reconciler.settle()).toEqual([{ kind: 'flow_rebuilt', ids: [job.id] }]);
    startWorkers();
    await heal([job], [reconciler]);
    await expectOnce([job]);
    expect((await ledger.jobs.get(job.id))?.generation).toBe(2);
  });

  it('while a task runs: it goes on, what follows it comes, and nothing runs twice', async () => {
    const { addJobOf, redis, relay, newReconciler, heal, startWorkers, expectOnce, runs } = await reconcileSetup();
    const job = await addJobOf(chain);
    const [a, b] = job.tasks.map(({ id }) => id);
    const held = Promise.withResolvers<void>();
    startWorkers(async (taskId) => {
      if (taskId === b) await held.promise;
    });
    await relay.run();
    await vi.waitFor(() => expect([...runs.keys()]).toEqual([a, b]), { timeout: 15_000 });
    await redis.flushall();
    const reconciler = newReconciler();
    expect(await reconciler.settle()).toEqual([{ kind: 'flow_rebuilt', ids: [job.id] }]);
    await relay.run();
    // Done by now and not part of the new flow.
    expect((await redis.keys(`p:*${a}*`)).filter((key) => !key.endsWith(':lock'))).toEqual([]);
    held.resolve();
    await heal([job], [reconciler]);
    await expectOnce([job]);
  });

  it('when all tasks are over but the job is not: it ends', async () => {
    const { addJobOf, claim, executions, redis, relay, newReconciler, heal, ledger, startWorkers } =
      await reconcileSetup();
    const job = await addJobOf(chain);
    await relay.run();
    for (const key of ['a', 'b', 'c']) {
      const claimed = claimedBy(await claim(job, key));
      await executions.finish(claimed, { kind: 'succeeded', result: {} }, []);
    }
    await redis.flushall();
    startWorkers();
    await heal([job], [newReconciler()]);
    expect((await ledger.jobs.get(job.id))?.state).toBe('SUCCEEDED');
  });

  it('and away: jobs whose tasks are over end without it, and the rest follows when it is back', async () => {
    const { addJobOf, claim, executions, relay, newReconciler, ledger, server, sql, redis, startWorkers, heal } =
      await reconcileSetup();
    const [over, open] = [await addJobOf({ a: [] }), await addJobOf({ a: [] })];
    await relay.run();
    await executions.finish(claimedBy(await claim(over, 'a')), { kind: 'succeeded', result: {} }, []);
    await sql`UPDATE tasks SET finished_at = finished_at - interval '10 seconds' WHERE job_id = ${over.id}`;
    process.kill(server.pid, 'SIGSTOP');
    const reconciler = newReconciler();
    expect(await reconciler.pass()).toEqual({ kind: 'led', hasMore: false, isRedisAway: true });
    expect(reconciler.repaired).toEqual([{ kind: 'job_ended', ids: [over.id] }]);
    expect((await ledger.jobs.get(over.id))?.state).toBe('SUCCEEDED');
    process.kill(server.pid, 'SIGCONT');
    await redis.flushall();
    startWorkers();
    await heal([open], [reconciler]);
    expect((await ledger.jobs.get(open.id))?.state).toBe('SUCCEEDED');
  });
});

describe('the relay', () => {
  it('brings a request that comes during a burst before most of the burst', async () => {
    const { addJobOf, relay, deliveries, sql } = await reconcileSetup();
    const burst = await Promise.all(Array.from({ length: 400 }, () => addJobOf({ a: [] })));
    const relayed = relay.run();
    const urgent = await addJobOf({ a: [] });
    await vi.waitFor(async () => expect((await deliveries()).join()).toContain(urgent.id), {
      interval: 1,
      timeout: 15_000,
    });
    const [{ left }] = await sql<[{ left: number }]>`SELECT count(*)::int AS left FROM outbox`;
    expect(left).toBeGreaterThan(0);
    await relayed;
    expect(
      new Set((await deliveries()).filter((key) => key.startsWith('p:finalise:') && !key.endsWith(':dependencies')))
        .size,
    ).toBe(burst.length + 1);
  });

  it('only knocks while Redis is away, and relays all at once when it is back', async () => {
    const { addJobOf, relay, server, sql, startWorkers, heal, newReconciler, expectOnce, redis } =
      await reconcileSetup();
    await redis.ping();
    const jobs = await Promise.all(Array.from({ length: 120 }, () => addJobOf({ a: [] })));
    const tried = async () =>
      (await sql`SELECT DISTINCT attempts, last_error, next_try_at <= now() AS due FROM outbox`).map((row) => ({
        ...row,
      }));
    process.kill(server.pid, 'SIGSTOP');
    try {
      expect(await relay.run()).toEqual({ relayed: 0, failed: 0, isAway: true, hasMore: false });
      expect(await tried()).toEqual([{ attempts: 0, last_error: null, due: true }]);
      // What failed before for another cause need not wait any longer either, once Redis is back.
      await sql`UPDATE outbox SET attempts = 7, next_try_at = now() + interval '1 minute' WHERE id % 2 = 0`;
      expect(await relay.run()).toEqual({ relayed: 0, failed: 0, isAway: true, hasMore: false });
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await vi.waitFor(async () => expect(await relay.run()).toMatchObject({ isAway: false }), { timeout: 15_000 });
    expect(await tried()).toEqual([]);
    startWorkers();
    await heal(jobs, [newReconciler()]);
    await expectOnce(jobs);
  });

  it('killed between adding and deleting adds the same again, and nothing runs twice', async () => {
    const { addJobOf, relay, startWorkers, heal, newReconciler, expectOnce } = await reconcileSetup();
    onTestFinished(() => armFailpoints(undefined));
    const jobs = [await addJobOf(chain), await addJobOf({ a: [], b: [] })];
    startWorkers();
    armFailpoints('relay.before_delete:throw');
    await expect(relay.run()).rejects.toThrow('relay.before_delete');
    armFailpoints(undefined);
    const reconciler = newReconciler();
    await heal(jobs, [reconciler]);
    await expectOnce(jobs);
  });
});

describe('orphans', () => {
  it('of jobs that are over, unknown or in another generation are removed, those of live jobs stay', async () => {
    const { addJobOf, dispatch, relay, newReconciler, sql, deliveries, redis } = await reconcileSetup();
    const [live, over, raised] = [await addJobOf(chain), await addJobOf(chain), await addJobOf(chain)];
    await relay.run();
    await sql`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now() WHERE id = ${over.id}`;
    await sql`UPDATE jobs SET generation = 2 WHERE id = ${raised.id}`;
    await sql`INSERT INTO outbox (subject, message) VALUES (${`job:${raised.id}`}, ${sql.json({ kind: 'flow.add', jobId: raised.id, generation: 2 })})`;
    await dispatch.flows.add({
      jobId: '018f0000-0000-7000-8000-000000000000',
      generation: 1,
      trigger: 'schedule',
      traceparent: live.traceparent,
      roots: [{ taskId: '018f0000-0000-7000-8000-000000000001', type: 'CHECKPOINT', children: [] }],
    });
    const reconciler = newReconciler();
    const repairs = await reconciler.settle();
    expect(repairs).toEqual([{ kind: 'flow_removed', ids: expect.any(Array) }]);
    expect(repairs[0]?.ids.toSorted()).toEqual([`018f0000-0000-7000-8000-000000000000-1`, `${over.id}-1`].toSorted());
    await relay.run();
    expect((await reconciler.settle()).slice(1)).toEqual([{ kind: 'flow_removed', ids: [`${raised.id}-1`] }]);
    const held = await deliveries();
    const expected = [
      `${live.id}-1`,
      ...live.tasks.map(({ id }) => `${id}-1`),
      `${raised.id}-2`,
      ...raised.tasks.map(({ id }) => `${id}-2`),
    ];
    const ids = new Set(held.map((key) => key.split(':')[2]));
    expect([...ids].sort()).toEqual(expected.sort());
    expect(await redis.exists(`p:finalise:${live.id}-1`)).toBe(1);
  });

  it('in a worker’s hands stay until they are let go', async () => {
    const { addJobOf, relay, newReconciler, sql, startWorkers, runs, deliveries } = await reconcileSetup();
    const job = await addJobOf(chain);
    const held = Promise.withResolvers<void>();
    startWorkers(() => held.promise);
    await relay.run();
    await vi.waitFor(() => expect(runs.size).toBe(1), { timeout: 15_000 });
    await sql`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now() WHERE id = ${job.id}`;
    const reconciler = newReconciler();
    expect(await reconciler.settle()).toEqual([]);
    expect(await deliveries()).not.toEqual([]);
    held.resolve();
    await vi.waitFor(
      async () => {
        await reconciler.pass();
        expect(await deliveries()).toEqual([]);
      },
      { timeout: 15_000 },
    );
  });
});

it('finds nothing to put right while work is under way, however often it looks', async () => {
  const { addJobOf, relay, newReconciler, startWorkers, expectOnce, ledger, deliveries, outbox } =
    await reconcileSetup();
  const reconciler = newReconciler();
  startWorkers();
  const jobs = await Promise.all(
    Array.from({ length: 60 }, (_, n) => addJobOf(n % 2 === 0 ? chain : { a: [], b: [], c: ['a', 'b'], d: ['c'] })),
  );
  await vi.waitFor(
    async () => {
      const relayed = relay.run();
      await reconciler.pass();
      await relayed;
      const states = await Promise.all(jobs.map(async ({ id }) => (await ledger.jobs.get(id))?.state));
      expect(new Set(states)).toEqual(new Set(['SUCCEEDED']));
    },
    { timeout: 25_000, interval: 1 },
  );
  await expectOnce(jobs);
  expect(await deliveries()).toEqual([]);
  expect((await outbox.backlog()).waiting).toBe(0);
  expect(reconciler.repaired).toEqual([]);
});

it('several reconcilers at once put each thing right once', async () => {
  const { addJobOf, relay, redis, newReconciler, startWorkers, heal, expectOnce, ledger } = await reconcileSetup();
  const jobs = await Promise.all(Array.from({ length: 20 }, () => addJobOf(chain)));
  await relay.run();
  await redis.flushall();
  const reconcilers = [newReconciler(), newReconciler(), newReconciler()];
  await Promise.all(reconcilers.map((each) => each.pass()));
  await vi.waitFor(
    async () => {
      for (const each of reconcilers) await each.pass();
      const rebuilt = reconcilers.flatMap(({ repaired }) => repaired.flatMap(({ ids }) => ids));
      expect(rebuilt.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
    },
    { timeout: 15_000 },
  );
  startWorkers();
  await heal(jobs, reconcilers);
  await expectOnce(jobs);
  const { items } = await ledger.audit.list({ limit: 100 }, { action: 'job.rebuild' });
  expect(items).toHaveLength(20);
});

it.each(['reconcile.before_rebuild', 'reconcile.after_rebuild', 'reconcile.before_remove'])(
  'a leader that dies at %s is followed by another, which finds what is left',
  async (point) => {
    const { addJobOf, relay, redis, newReconciler, startWorkers, heal, expectOnce, dispatch, faults } =
      await reconcileSetup();
    onTestFinished(() => armFailpoints(undefined));
    const lost = await addJobOf(chain);
    await relay.run();
    await redis.flushall();
    const id = { jobId: '018f0000-0000-7000-8000-000000000000', generation: 1 };
    const orphan = { ...id, trigger: 'schedule', traceparent: lost.traceparent } as const;
    await dispatch.flows.add({ ...orphan, roots: [] });
    armFailpoints(`${point}:throw`);
    await newReconciler().pass();
    expect(faults).toHaveLength(1);
    armFailpoints(undefined);
    startWorkers();
    await heal([lost], [newReconciler()]);
    await expectOnce([lost]);
  },
);

it('leaves jobs alone that wait for an operator', async () => {
  const { addJobOf, relay, redis, newReconciler, sql, everything } = await reconcileSetup();
  const job = await addJobOf({ a: [] });
  await relay.run();
  await sql`UPDATE tasks SET state = 'NEEDS_OPERATOR', error = '{"code":"outcome_unclear","message":"?"}' WHERE job_id = ${job.id}`;
  await sql`UPDATE jobs SET state = 'NEEDS_OPERATOR' WHERE id = ${job.id}`;
  await redis.flushall();
  const before = await everything();
  expect(await newReconciler().settle()).toEqual([]);
  expect(await everything()).toEqual(before);
});

it('audits a rebuild as the system’s, in the trace of the job', async () => {
  const { addJobOf, relay, redis, newReconciler, ledger } = await reconcileSetup();
  const job = await addJobOf({ a: [] });
  await relay.run();
  await redis.flushall();
  await newReconciler().settle();
  const { items } = await ledger.audit.list({ limit: 5 }, { entityId: job.id, action: 'job.rebuild' });
  expect(items).toMatchObject([{ actor: 'system:reconciler', traceId: job.traceId, after: { generation: 2 } }]);
});

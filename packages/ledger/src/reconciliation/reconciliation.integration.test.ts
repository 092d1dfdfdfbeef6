import type { NewJob } from '@slacktide/application/ports';
import { timeOrderedId } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup, taskOf } from '../../../../test/support/executions.ts';
import { noon, sampleContext, sampleSchedule } from '../../../../test/support/ledger-data.ts';

async function setup() {
  const base = await executionsSetup();
  const { connection, ledger, sql } = base;
  const { reconciliation } = connection;
  const lostWhole = (job: NewJob, generation = 1) => ({ jobId: job.id, generation, missingTaskIds: null });
  const lost = (job: NewJob, ...keys: string[]) => ({
    jobId: job.id,
    generation: 1,
    missingTaskIds: keys.map((key) => taskOf(job, key).id),
  });
  /** Ends both tasks of a job, the last one so many seconds ago. */
  const endTasks = async (job: NewJob, secondsAgo: number) => {
    for (const key of ['rebuild', 'analyse']) {
      const claimed = claimedBy(await base.claim(job, key));
      await base.executions.finish(claimed, { kind: 'succeeded', result: {} }, []);
    }
    await sql`UPDATE tasks SET finished_at = now() - make_interval(secs => ${secondsAgo}) WHERE job_id = ${job.id}`;
  };
  const addSchedule = (changes: Parameters<typeof sampleSchedule>[0]) =>
    ledger.transaction(sampleContext(), async (tx) => {
      await tx.schedules.insert(sampleSchedule(changes));
      return { result: null, audit: [{ action: 'schedule.create', entity: 'schedule', entityId: 'any' }] };
    });
  const outbox = async () => (await sql`SELECT message FROM outbox ORDER BY id`).map(({ message }) => message);
  return { ...base, reconciliation, lostWhole, lost, endTasks, addSchedule, outbox };
}

describe('exclusively', () => {
  it('lets one in at a time, and the next when it is done or has failed', async () => {
    const { reconciliation } = await setup();
    const held = Promise.withResolvers<string>();
    const first = reconciliation.exclusively('reconcile', () => held.promise);
    await expect
      .poll(() => reconciliation.exclusively('reconcile', async () => 'second'))
      .toEqual({ kind: 'led_elsewhere' });
    expect(await reconciliation.exclusively('other', async () => 'other')).toEqual({ kind: 'led', result: 'other' });
    held.resolve('first');
    expect(await first).toEqual({ kind: 'led', result: 'first' });
    await expect(reconciliation.exclusively('reconcile', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await reconciliation.exclusively('reconcile', async () => 3)).toEqual({ kind: 'led', result: 3 });
  });

  it('passes on when the leader’s session dies amid its work', async () => {
    const { reconciliation, sql } = await setup();
    const held = Promise.withResolvers<void>();
    const first = reconciliation.exclusively('reconcile', () => held.promise);
    first.catch(() => undefined);
    await expect
      .poll(() => reconciliation.exclusively('reconcile', async () => undefined))
      .toEqual({ kind: 'led_elsewhere' });
    await sql`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (
      SELECT oid FROM pg_database WHERE datname = current_database())`;
    await expect
      .poll(() => reconciliation.exclusively('reconcile', async () => 'next'))
      .toEqual({ kind: 'led', result: 'next' });
    held.resolve();
    await expect(first).rejects.toMatchObject({ code: 'ledger_unavailable' });
  });
});

describe('open flows', () => {
  it('are those of open jobs that nothing waits for in the outbox, with the tasks that are not over, in pages', async () => {
    const { reconciliation, addJob, claim, executions, sql } = await setup();
    const at = (minute: number) => new Date(noon.getTime() + minute * 60_000);
    const jobs = await Promise.all([0, 1, 2, 3, 4].map((minute) => addJob({ scheduledFor: at(minute) })));
    const [half, waiting, over, unclear, fresh] = jobs as [NewJob, NewJob, NewJob, NewJob, NewJob];
    await executions.finish(claimedBy(await claim(half, 'rebuild')), { kind: 'succeeded', result: {} }, []);
    await sql`INSERT INTO outbox (subject, message) VALUES (${`job:${waiting.id}`}, '{}')`;
    await sql`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now() WHERE id = ${over.id}`;
    await sql`UPDATE jobs SET state = 'NEEDS_OPERATOR' WHERE id = ${unclear.id}`;
    const task = (job: NewJob, key: string) => ({ taskId: taskOf(job, key).id, type: taskOf(job, key).type });
    const first = { jobId: half.id, generation: 1, openTasks: [task(half, 'analyse')] };
    const second = {
      jobId: fresh.id,
      generation: 1,
      openTasks: expect.arrayContaining([task(fresh, 'rebuild'), task(fresh, 'analyse')]),
    };
    expect(await reconciliation.listOpenFlows({ after: null, limit: 10 })).toEqual([first, second]);
    expect(await reconciliation.listOpenFlows({ after: null, limit: 1 })).toEqual([first]);
    expect(await reconciliation.listOpenFlows({ after: half.id, limit: 1 })).toEqual([second]);
    expect(await reconciliation.listOpenFlows({ after: fresh.id, limit: 1 })).toEqual([]);
  });

  it('are wanted in their generation only', async () => {
    const { reconciliation, addJob, sql } = await setup();
    const [open, over] = [await addJob(), await addJob()];
    await sql`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now() WHERE id = ${over.id}`;
    const flow = (jobId: string, generation: number) => ({ jobId, generation });
    const unknown = timeOrderedId(noon, new Uint8Array(10));
    const asked = [flow(open.id, 1), flow(open.id, 0), flow(open.id, 2), flow(over.id, 1), flow(unknown, 1)];
    expect(await reconciliation.listWanted([...asked, flow('evil', 1)])).toEqual([flow(open.id, 1)]);
    expect(await reconciliation.listWanted([])).toEqual([]);
    // About to be removed by the relay.
    await sql`INSERT INTO outbox (subject, message) VALUES (${`job:${over.id}`}, '{}')`;
    expect(await reconciliation.listWanted([flow(over.id, 1)])).toEqual([flow(over.id, 1)]);
  });
});

describe('rebuild', () => {
  it('raises the generation with message and audit event, and only once', async () => {
    const { reconciliation, addJob, lostWhole, lost, ledger, outbox, sql } = await setup();
    const [one, two] = [await addJob(), await addJob({ targetId: 'stock' })];
    const found = [lostWhole(one), lost(two, 'analyse')];
    const rebuilt = await reconciliation.rebuild(found);
    expect(rebuilt).toHaveLength(2);
    expect(rebuilt).toEqual(
      expect.arrayContaining([
        { jobId: one.id, generation: 2 },
        { jobId: two.id, generation: 2 },
      ]),
    );
    expect((await ledger.jobs.get(one.id))?.generation).toBe(2);
    expect(await outbox()).toEqual(
      expect.arrayContaining([
        { kind: 'flow.add', jobId: one.id, generation: 2 },
        { kind: 'flow.add', jobId: two.id, generation: 2 },
      ]),
    );
    const { items } = await ledger.audit.list({ limit: 10 }, { entityId: two.id, action: 'job.rebuild' });
    expect(items).toMatchObject([
      {
        actor: 'system:reconciler',
        traceId: two.traceId,
        before: { generation: 1 },
        after: { generation: 2, missing_tasks: [taskOf(two, 'analyse').id] },
      },
    ]);
    await sql`DELETE FROM outbox`;
    expect(await reconciliation.rebuild(found)).toEqual([]);
    expect(await outbox()).toEqual([]);
  });

  it.each([
    ['is over', 'state', "UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now()"],
    ['waits for an operator', 'state', "UPDATE jobs SET state = 'NEEDS_OPERATOR'"],
    ['is in another generation', 'generation', 'UPDATE jobs SET generation = 5'],
    ['has a message waiting', 'outbox', "INSERT INTO outbox (subject, message) SELECT 'job:' || id, '{}' FROM jobs"],
    [
      'has ended the task that was missed',
      'task',
      "UPDATE tasks SET state = 'SKIPPED', reason = 'halted', finished_at = now() WHERE key = 'rebuild'",
    ],
  ])('leaves alone a job that meanwhile %s', async (_, __, change) => {
    const { reconciliation, addJob, lost, sql, everything } = await setup();
    const job = await addJob();
    await sql.unsafe(change);
    const before = await everything();
    expect(await reconciliation.rebuild([lost(job, 'rebuild')])).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it('does not wait for a job that somebody else has locked', async () => {
    const { reconciliation, addJob, lostWhole, sql } = await setup();
    const [locked, free] = [await addJob(), await addJob()];
    await sql.begin(async (tx) => {
      await tx`SELECT FROM jobs WHERE id = ${locked.id} FOR UPDATE`;
      expect(await reconciliation.rebuild([lostWhole(locked), lostWhole(free)])).toEqual([
        { jobId: free.id, generation: 2 },
      ]);
    });
  });

  it('by several at once is done by one', async () => {
    const { reconciliation, addJob, lostWhole, outbox } = await setup();
    const job = await addJob();
    const all = await Promise.all(Array.from({ length: 5 }, () => reconciliation.rebuild([lostWhole(job)])));
    expect(all.flat()).toEqual([{ jobId: job.id, generation: 2 }]);
    expect(await outbox()).toHaveLength(1);
  });
});

it('unended jobs are those whose tasks were all over a while ago', async () => {
  const { reconciliation, addJob, endTasks } = await setup();
  const [ended, justEnded] = [await addJob(), await addJob({ targetId: 'stock' })];
  await addJob();
  await endTasks(ended, 60);
  await endTasks(justEnded, 0);
  expect(await reconciliation.listUnended(10)).toEqual([{ jobId: ended.id, generation: 1 }]);
});

it('knows the timers that Redis should have, and who is overdue', async () => {
  const { reconciliation, addSchedule, sql } = await setup();
  for (const id of ['a', 'b', 'c', 'd']) await addSchedule({ id, nextDueAt: new Date(Date.now() + 3_600_000) });
  await sql`UPDATE schedules SET enabled = false, next_due_at = NULL WHERE id = 'b'`;
  await sql`UPDATE schedules SET next_due_at = now() - interval '10 seconds' WHERE id = 'c'`;
  await sql`UPDATE schedules SET next_due_at = now() - interval '20 seconds' WHERE id = 'd'`;
  expect(await reconciliation.countTimers()).toBe(3);
  const timer = (id: string) => ({ id, cronExpression: '0 2 * * *', timezone: 'UTC' });
  expect(await reconciliation.listTimers({ after: null, limit: 2 })).toEqual([timer('a'), timer('c')]);
  expect(await reconciliation.listTimers({ after: 'c', limit: 2 })).toEqual([timer('d')]);
  expect((await reconciliation.listWantedTimers(['a', 'b', 'gone'])).toSorted()).toEqual(['a']);
  expect(await reconciliation.listOverdue(1_000, 10)).toEqual(['d', 'c']);
  expect(await reconciliation.listOverdue(15_000, 10)).toEqual(['d']);
  expect(await reconciliation.listOverdue(1_000, 1)).toEqual(['d']);
});

it('finds running tasks without a live lease, and tasks that wait for a person', async () => {
  const { reconciliation, addJob, claim, sql } = await setup();
  const [held, expired, unleased, unclear] = [
    await addJob(),
    await addJob({ targetId: 'stock' }),
    await addJob(),
    await addJob(),
  ];
  const look = { access: 'observe' } as const;
  for (const job of [held, expired, unleased, unclear]) claimedBy(await claim(job, 'rebuild', look));
  const id = (job: NewJob) => taskOf(job, 'rebuild').id;
  await sql`UPDATE leases SET expires_at = now() - interval '3 minutes' WHERE task_id = ${id(expired)}`;
  await sql`DELETE FROM leases WHERE task_id IN ${sql([id(unleased), id(unclear)])}`;
  await sql`UPDATE tasks SET started_at = started_at - interval '5 minutes' WHERE id = ${id(unleased)}`;
  await sql`UPDATE tasks SET state = 'NEEDS_OPERATOR', error = '{"code":"outcome_unclear","message":"?"}' WHERE id = ${id(unclear)}`;
  await sql`UPDATE jobs SET state = 'NEEDS_OPERATOR' WHERE id = ${unclear.id}`;
  const found = (job: NewJob) => ({
    taskId: id(job),
    jobId: job.id,
    key: 'rebuild',
    type: 'INDEX_REBUILD',
    targetId: job.targetId,
  });
  expect(await reconciliation.listStuck(120_000, 10)).toEqual([found(unleased), found(expired)]);
  expect(await reconciliation.listStuck(200_000, 10)).toEqual([found(unleased)]);
  expect(await reconciliation.listUnclear(10)).toEqual([found(unclear)]);
});

it('watches each enabled schedule since its last tick, or its last change', async () => {
  const { reconciliation, addSchedule, sql } = await setup();
  for (const id of ['a', 'b', 'c']) await addSchedule({ id });
  const later = new Date(noon.getTime() + 60_000);
  await sql`UPDATE schedules SET last_tick_at = ${later} WHERE id = 'a'`;
  await sql`UPDATE schedules SET last_tick_at = ${noon}, updated_at = ${later} WHERE id = 'b'`;
  await sql`UPDATE schedules SET enabled = false, next_due_at = NULL WHERE id = 'c'`;
  const watches = await reconciliation.listTickWatches({ after: null, limit: 10 });
  expect(watches.map(({ id, since }) => [id, since])).toEqual([
    ['a', later],
    ['b', later],
  ]);
  expect(await reconciliation.listTickWatches({ after: 'b', limit: 10 })).toEqual([]);
});

import type { AuditEntry, DueSchedule, LedgerTransaction, NewJob } from '@slacktide/application/ports';
import type { Json, Schedule } from '@slacktide/domain';
import { expect, it, onTestFinished } from 'vitest';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { noon, sampleContext, sampleJob, sampleSchedule, sampleTarget } from '../../../../test/support/ledger-data.ts';
import { connectLedger } from '../connect.ts';

const audit: readonly [AuditEntry] = [{ action: 'schedule.tick', entity: 'schedule', entityId: 'some' }];
const longAgo = new Date('2026-01-01T02:00:00Z');
const before = (ms: number): Date => new Date(longAgo.getTime() - ms);

/** A ledger with the targets `shop`, `stock` (gold) and `till` (gold). */
async function setup(...schedules: Partial<Schedule>[]) {
  const databaseUrl = await freshLedger();
  const { ledger, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 4 });
  onTestFinished(close);
  const write = <T extends Json>(work: (tx: LedgerTransaction) => Promise<T>): Promise<T> =>
    ledger.transaction(sampleContext(), async (tx) => ({ result: await work(tx), audit }));
  await write(async (tx) => {
    await tx.targets.insert(sampleTarget());
    for (const id of ['stock', 'till']) await tx.targets.insert(sampleTarget({ id, labels: { tier: 'gold', id } }));
    for (const schedule of schedules) await tx.schedules.insert(sampleSchedule({ nextDueAt: longAgo, ...schedule }));
    return null;
  });
  const lockDue = async (limit: number, only?: readonly string[]) => {
    let due: readonly DueSchedule[] = [];
    await write(async (tx) => {
      due = await tx.ticks.lockDue(limit, only);
      return null;
    });
    return due.map(({ schedule, targets }) => [schedule.id, targets.map(({ id }) => id).join()]);
  };
  const add = (...jobs: NewJob[]) => write(async (tx) => [...(await tx.ticks.write({ jobs, advances: [] }))]);
  return { ledger, write, lockDue, add, sql: lookInto(databaseUrl) };
}
const gold = { kind: 'labels', labels: { tier: 'gold' } } as const;

it('gives what is due, the longest first, with the targets of each', async () => {
  const { lockDue } = await setup(
    { id: 'b', nextDueAt: before(1) },
    { id: 'a', targets: gold },
    { id: 'c', nextDueAt: before(2), targets: { kind: 'labels', labels: { tier: 'none' } } },
    { id: 'off', enabled: false, nextDueAt: null },
    { id: 'later', nextDueAt: new Date('2100-01-01T00:00:00Z') },
    { id: 'd', targets: { kind: 'ids', ids: ['till', 'shop'] } },
  );
  expect(await lockDue(10)).toEqual([
    ['c', ''],
    ['b', 'shop'],
    ['a', 'stock,till'],
    ['d', 'shop,till'],
  ]);
  expect(await lockDue(2)).toEqual([
    ['c', ''],
    ['b', 'shop'],
  ]);
  expect(await lockDue(2, ['a', 'later', 'unknown'])).toEqual([['a', 'stock,till']]);
});

it('leaves out what others hold, so two never get the same', async () => {
  const { write, lockDue } = await setup({ id: 'a' }, { id: 'b' });
  const locked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const first = write(async (tx) => {
    const due = await tx.ticks.lockDue(1);
    locked.resolve();
    await release.promise;
    return due.map(({ schedule }) => schedule.id);
  });
  await locked.promise;
  expect(await lockDue(10)).toEqual([['b', 'shop']]);
  release.resolve();
  expect(await first).toEqual(['a']);
});

it('keeps the targets it gave until the transaction ends', async () => {
  const { write, sql, ledger } = await setup({ id: 'a', targets: gold });
  const found = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const ticking = write(async (tx) => {
    await tx.ticks.lockDue(1);
    found.resolve();
    await release.promise;
    return null;
  });
  await found.promise;
  const deleting = write(async (tx) => tx.targets.delete('till').then(() => null));
  await expect
    .poll(() => sql`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
    .toHaveLength(1);
  release.resolve();
  await Promise.all([ticking, deleting]);
  expect(await ledger.targets.get('till')).toBeUndefined();
});

it('knows the latest open job of each schedule and target, but not under `allow`', async () => {
  const { write, add } = await setup({ id: 'a', targets: gold }, { id: 'b', targets: gold, overlapPolicy: 'allow' });
  const job = (changes: Partial<NewJob>) => sampleJob({ scheduleId: 'a', targetId: 'stock', ...changes });
  const [older, latest, over] = [
    job({ scheduledFor: before(86_400_000) }),
    job({ scheduledFor: before(5) }),
    job({ scheduledFor: longAgo, state: 'SKIPPED', reason: 'missed', finishedAt: noon, tasks: [] }),
  ];
  await add(latest, older, over, job({ scheduleId: 'b' }), job({ scheduleId: 'c', targetId: 'till' }));
  const open = await write(async (tx) =>
    (await tx.ticks.lockDue(10)).map(({ schedule, targets }) => [
      schedule.id,
      ...targets.map(({ openJobId }) => openJobId),
    ]),
  );
  expect(open).toEqual([
    ['a', latest.id, null],
    ['b', null, null],
  ]);
});

it('writes many jobs with their tasks at once, each tick once, and a message for each that is open', async () => {
  const { add, ledger, sql } = await setup();
  const tick = (n: number, changes: Partial<NewJob> = {}) =>
    sampleJob({ trigger: 'schedule', scheduledFor: before(n * 86_400_000), ...changes });
  const over = tick(1, { state: 'SKIPPED', reason: 'missed', finishedAt: noon });
  const skipped = {
    ...over,
    tasks: over.tasks.map((task) => ({ ...task, state: 'SKIPPED' as const, reason: 'missed', finishedAt: noon })),
  };
  const first = tick(0);
  const jobs = [first, skipped, tick(2, { afterJobId: first.id })];
  expect((await add(...jobs)).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
  for (const job of jobs) {
    expect(await ledger.jobs.get(job.id)).toEqual({ ...job, tasks: job.tasks.map((task) => ({ ...task, steps: [] })) });
  }
  const fresh = tick(3);
  expect(await add(tick(0), tick(1), fresh)).toEqual([fresh.id]);
  const [made] = await sql`SELECT (SELECT count(*)::int FROM jobs) AS jobs, (SELECT count(*)::int FROM tasks) AS tasks`;
  expect(made).toEqual({ jobs: 4, tasks: 8 });
  const messages = (await sql`SELECT message FROM outbox ORDER BY id`).map(({ message }) => message.jobId);
  expect(messages).toEqual([jobs[0]?.id, jobs[2]?.id, fresh.id]);
});

it('writes more jobs than go into one statement', async () => {
  const { add, sql } = await setup();
  const jobs = Array.from({ length: 1_001 }, (_, n) =>
    sampleJob({ trigger: 'schedule', scheduledFor: before(n * 1000), tasks: [] }),
  );
  expect(await add(...jobs)).toHaveLength(1_001);
  expect(await sql`SELECT count(*)::int FROM jobs`).toEqual([{ count: 1_001 }]);
});

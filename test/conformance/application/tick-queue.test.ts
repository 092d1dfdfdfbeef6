import { AppError, createSchedule, type FiredBatch, TickQueue } from '@slacktide/application';
import { expect, it } from 'vitest';
import { sampleContext } from '../../support/ledger-data.ts';
import { scheduleInput, setup } from './setup.ts';

const hourMs = 3_600_000;

/** A queue over hourly schedules `s0`, `s1` … of one target, all due since a second. */
async function setupQueue(schedules: number, batchSize = 500) {
  const it = await setup();
  await it.registerTarget('a');
  for (let n = 0; n < schedules; n += 1) {
    const input = scheduleInput({ id: `s${n}`, cron_expression: '0 * * * *', target_ids: ['a'] });
    await createSchedule(it.deps, it.ctx, input);
  }
  const [{ due_at: dueAt }] = await it.sql<[{ due_at: Date }]>`
    SELECT date_trunc('milliseconds', now()) - interval '1 second' AS due_at`;
  await it.sql`UPDATE schedules SET next_due_at = ${dueAt}`;
  const batches: FiredBatch[] = [];
  const { ledger, taskTypes } = it.deps;
  const queue = new TickQueue({
    ledger,
    taskTypes,
    ctx: sampleContext,
    onBatch: (batch) => void batches.push(batch),
    batchSize,
  });
  const traces = Array.from({ length: schedules }, () => sampleContext());
  const fire = (n: number, at: Date | null = dueAt) => {
    const { traceId, traceparent } = traces[n] ?? sampleContext();
    return queue.fire({ scheduleId: `s${n}`, dueAt: at, trace: { traceId, traceparent } });
  };
  const jobs = () => it.sql<{ schedule_id: string; trace_id: string }[]>`SELECT schedule_id, trace_id FROM jobs`;
  return { ...it, queue, fire, jobs, batches, dueAt, traces };
}

it('answers many timers that go off together after a few batches, each tick in the trace of its timer', async () => {
  const { fire, jobs, batches, traces } = await setupQueue(30, 20);
  const answers = await Promise.all(traces.map((_, n) => fire(n)));
  expect(answers).toEqual(Array(30).fill({ kind: 'fired' }));
  expect(batches.map(({ fired }) => fired.length)).toEqual([20, 10]);
  const made = await jobs();
  expect(made).toHaveLength(30);
  for (const job of made) expect(job.trace_id).toBe(traces[Number(job.schedule_id.slice(1))]?.traceId);
});

it('writes what is due with the first timer, and the later ones find it done', async () => {
  const { fire, jobs, batches } = await setupQueue(3);
  expect(await fire(0)).toEqual({ kind: 'fired' });
  expect(batches.map(({ fired }) => fired.length)).toEqual([3]);
  expect(await Promise.all([fire(0), fire(1), fire(2)])).toEqual(Array(3).fill({ kind: 'nothing' }));
  expect(batches).toHaveLength(1);
  expect(await jobs()).toHaveLength(3);
});

it('does not have a timer come again whose tick was written, however soon the next one is due', async () => {
  const { fire, sql, dueAt } = await setupQueue(1);
  await sql`UPDATE schedules SET next_due_at = date_trunc('milliseconds', now()) + interval '30 seconds'`;
  expect(await fire(0, dueAt)).toEqual({ kind: 'nothing' });
  expect(await fire(0, null)).toEqual({ kind: 'nothing' });
});

it('has a timer come again that is early by the clock of the ledger', async () => {
  const { fire, sql, jobs } = await setupQueue(1);
  const next = new Date(Math.ceil(Date.now() / 1000) * 1000 + hourMs);
  await sql`UPDATE schedules SET next_due_at = ${next}`;
  const answer = await fire(0, next);
  expect(answer).toMatchObject({ kind: 'not_due' });
  expect('dueInMs' in answer && answer.dueInMs).toBeGreaterThan(hourMs - 60_000);
  expect(await jobs()).toEqual([]);
});

it('has nothing to do for a schedule that is disabled or unknown', async () => {
  const { fire, sql, queue, dueAt } = await setupQueue(1);
  await sql`UPDATE schedules SET enabled = false, next_due_at = NULL`;
  expect(await fire(0)).toEqual({ kind: 'nothing' });
  expect(await queue.fire({ scheduleId: 'forged', dueAt, trace: sampleContext() })).toEqual({ kind: 'nothing' });
});

it('leaves to others what they hold, and finds out afterwards', async () => {
  const { fire, sql, jobs } = await setupQueue(2);
  const held = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const holding = sql.begin(async (tx) => {
    await tx`SELECT FROM schedules WHERE id = 's0' FOR UPDATE`;
    held.resolve();
    await release.promise;
  });
  await held.promise;
  expect(await Promise.all([fire(0), fire(1)])).toEqual([{ kind: 'elsewhere' }, { kind: 'fired' }]);
  release.resolve();
  await holding;
  expect(await fire(0)).toEqual({ kind: 'fired' });
  expect(await jobs()).toHaveLength(2);
});

it('rejects the timer of a schedule that cannot be fired, and no other', async () => {
  const { fire, sql, batches } = await setupQueue(3);
  await sql`UPDATE schedules SET timezone = 'Mars/Olympus' WHERE id = 's1'`;
  const [first, second, third] = await Promise.allSettled([fire(0), fire(1), fire(2)]);
  expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(batches.flatMap(({ failed }) => failed.map(({ scheduleId }) => scheduleId))).toContain('s1');
});

it('rejects while the ledger is away, and works again afterwards', async () => {
  const { deps, fire, queue, dueAt } = await setupQueue(1);
  let isAway = true;
  const dueTimes: typeof deps.ledger.schedules.dueTimes = async (ids) => {
    if (isAway) throw new AppError('ledger_unavailable', 'away');
    return await deps.ledger.schedules.dueTimes(ids);
  };
  const ledger = { ...deps.ledger, schedules: { ...deps.ledger.schedules, dueTimes } };
  const other = new TickQueue({ ledger, taskTypes: deps.taskTypes, ctx: sampleContext, onBatch: () => undefined });
  const wake = { scheduleId: 's0', dueAt, trace: sampleContext() };
  const both = await Promise.allSettled([other.fire(wake), other.fire(wake)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isAway = false;
  expect(await Promise.all([other.fire(wake), other.fire(wake)])).toEqual([{ kind: 'fired' }, { kind: 'fired' }]);
  expect(await fire(0)).toEqual({ kind: 'nothing' });
  expect(await queue.fire(wake)).toEqual({ kind: 'nothing' });
});

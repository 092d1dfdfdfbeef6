import type { NewJob } from '@slacktide/application/ports';
import type { State } from '@slacktide/domain';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { sampleJob, sampleTarget, sampleTask } from '../../../../test/support/ledger-data.ts';
import { insertJobs } from '../jobs/insert-jobs.ts';
import { openPool } from '../sql.ts';
import { createTargetWriter } from '../targets/target-writer.ts';
import { createHistory } from './history.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function setup() {
  const databaseUrl = await freshLedger();
  const sql = openPool({ databaseUrl, applicationName: 'test', maxConnections: 4 });
  onTestFinished(() => sql.end());
  await createTargetWriter(sql).insert(sampleTarget());
  const [{ now }] = await sql<[{ now: Date }]>`SELECT now()`;
  const today = new Date(Math.floor(now.getTime() / dayMs) * dayMs);
  /** The first instant of the day `days` after today. */
  const day = (days: number): Date => new Date(today.getTime() + days * dayMs);
  const partitions = async (): Promise<string[]> =>
    (await sql`SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY relname`).map(
      (row) => row['relname'],
    );
  const insert = (job: NewJob) => sql.begin((tx) => insertJobs(tx, [job]));
  return { sql, databaseUrl, history: createHistory(sql), day, partitions, insert };
}

const dayName = (day: Date): string => day.toISOString().slice(0, 10);
const tablesOf = (...days: Date[]): string[] =>
  days
    .flatMap((day) => ['jobs', 'tasks', 'steps'].map((parent) => `${parent}_${dayName(day).replaceAll('-', '')}`))
    .toSorted();

/** A job that is over, with one task for each of `tasks`: a state, and how long it ran (null: never began). */
function endedJob(scheduledFor: Date, tasks: readonly [State, number | null][], changes: Partial<NewJob> = {}): NewJob {
  const job = sampleJob({
    scheduledFor,
    state: 'FAILED',
    startedAt: scheduledFor,
    finishedAt: scheduledFor,
    ...changes,
  });
  return {
    ...job,
    tasks: tasks.map(([state, seconds], position) => ({
      ...sampleTask({ jobId: job.id, key: `task${position}`, position }, scheduledFor),
      state,
      reason: 'some',
      error: { code: 'some', message: 'Some' },
      startedAt: seconds === null ? null : scheduledFor,
      finishedAt: new Date(scheduledFor.getTime() + (seconds ?? 0) * 1000),
    })),
  };
}

describe('ensurePartitions', () => {
  it('makes those of today and the days ahead; again, or by many at once, changes nothing', async () => {
    const { history, day, partitions } = await setup();
    await Promise.all([1, 2, 3, 4].map(() => history.ensurePartitions(3)));
    const expected = tablesOf(day(0), day(1), day(2), day(3));
    expect(await partitions()).toEqual(expected);
    await history.ensurePartitions(1);
    expect(await partitions()).toEqual(expected);
  });

  it('waits for nobody who reads or writes history, and nobody waits for it', async () => {
    const { sql, history, day, insert, partitions } = await setup();
    const job = sampleJob({ scheduledFor: day(0) });
    await insert(job);
    await sql.begin(async (tx) => {
      await tx`SELECT FROM jobs, tasks, steps`;
      await tx`UPDATE jobs SET halted = true`;
      await tx`UPDATE tasks SET progress = 1`;
      await history.ensurePartitions(1);
    });
    await sql.begin(async (tx) => {
      await tx`SELECT ensure_history_day(${day(2)})`;
      await insert(sampleJob({ scheduledFor: day(0) }));
      expect(await sql`UPDATE jobs SET halted = false WHERE scheduled_for = ${day(0)} RETURNING 1`).toHaveLength(2);
    });
    expect(await partitions()).toEqual(tablesOf(day(0), day(1), day(2)));
  });

  it('gives each day its references: a task without its job is refused', async () => {
    const { sql, insert, day } = await setup();
    const job = sampleJob({ scheduledFor: day(0) });
    await insert(job);
    await expect(sql`DELETE FROM jobs`).rejects.toThrow('violates foreign key constraint');
    const stray = { scheduled_for: day(0), task_id: job.id, key: 'a', position: 0, state: 'PENDING' };
    await expect(sql`INSERT INTO steps ${sql(stray)}`).rejects.toThrow('violates foreign key constraint');
  });
});

describe('prune', () => {
  it('drops whole days that were over a retention ago, and no other', async () => {
    const { history, day, insert, partitions } = await setup();
    for (const days of [-3, -2, -1, 0, 1]) await insert(endedJob(day(days), [['SUCCEEDED', 1]]));
    // Yesterday ended less than 24 hours ago, whatever the time is now.
    expect(await history.prune(24)).toEqual({ droppedDays: [dayName(day(-3)), dayName(day(-2))] });
    expect(await partitions()).toEqual(tablesOf(day(-1), day(0), day(1)));
    expect(await history.prune(24)).toEqual({ droppedDays: [] });
    expect(await history.prune(0)).toEqual({ droppedDays: [dayName(day(-1))] });
  });

  it('keeps a day with a job that is not over', async () => {
    const { history, day, insert, partitions, sql } = await setup();
    const open = sampleJob({ scheduledFor: new Date(day(-2).getTime() - 1) });
    await insert(open);
    await insert(endedJob(day(-3), [['SUCCEEDED', 1]]));
    await insert(endedJob(day(-4), [['SUCCEEDED', 1]]));
    expect(await history.prune(24)).toEqual({ droppedDays: [dayName(day(-4))] });
    expect(await partitions()).toEqual(tablesOf(day(-3)));
    expect(await sql`SELECT DISTINCT day::text FROM daily_figures`).toEqual([{ day: dayName(day(-4)) }]);
    await sql`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now() WHERE id = ${open.id}`;
    expect(await history.prune(24)).toEqual({ droppedDays: [dayName(day(-3))] });
  });

  it('leaves the figures of the day, also of what is added to it afterwards', async () => {
    const { history, day, insert, sql } = await setup();
    const old = day(-3);
    await insert(
      endedJob(old, [
        ['SUCCEEDED', 10],
        ['SUCCEEDED', 2.5],
        ['FAILED', 7],
      ]),
    );
    await insert(endedJob(old, [['SUCCEEDED', 4]]));
    await insert(endedJob(old, [['SKIPPED', null]], { scheduleId: null, trigger: 'adhoc' }));
    await history.prune(24);
    const figures =
      () => sql`SELECT day::text, schedule_id, target_id, task_type, state, task_count, total_seconds, max_seconds
      FROM daily_figures ORDER BY schedule_id, state`;
    const common = { day: dayName(old), scheduleId: 'nightly', targetId: 'shop', taskType: 'STATISTICS_UPDATE' };
    const first = [
      { ...common, scheduleId: '', state: 'SKIPPED', taskCount: 1, totalSeconds: 0, maxSeconds: 0 },
      { ...common, state: 'FAILED', taskCount: 1, totalSeconds: 7, maxSeconds: 7 },
      { ...common, state: 'SUCCEEDED', taskCount: 3, totalSeconds: 16.5, maxSeconds: 10 },
    ];
    expect(await figures()).toEqual(first);
    await insert(endedJob(old, [['SUCCEEDED', 20]]));
    await history.prune(24);
    expect(await figures()).toEqual([
      ...first.slice(0, 2),
      { ...first[2], taskCount: 4, totalSeconds: 36.5, maxSeconds: 20 },
    ]);
  });

  it('by several at once drops and counts each day once', async () => {
    const { history, day, insert, sql } = await setup();
    for (const days of [-5, -4, -3]) await insert(endedJob(day(days), [['SUCCEEDED', 1]]));
    const results = await Promise.all([1, 2, 3].map(() => history.prune(24)));
    expect(results.flatMap(({ droppedDays }) => droppedDays).toSorted()).toEqual(
      [-5, -4, -3].map((n) => dayName(day(n))),
    );
    expect(await sql`SELECT sum(task_count)::int AS tasks FROM daily_figures`).toEqual([{ tasks: 3 }]);
  });

  it('gives way to who reads history for long, and loses nothing', async () => {
    const { history, day, insert, sql, partitions, databaseUrl } = await setup();
    await insert(endedJob(day(-3), [['SUCCEEDED', 1]]));
    const reader = await lookInto(databaseUrl).reserve();
    await reader`BEGIN`;
    await reader`SELECT FROM jobs`;
    expect(await history.prune(24)).toEqual({ droppedDays: [] });
    expect(await partitions()).toEqual(tablesOf(day(-3)));
    expect(await sql`SELECT FROM daily_figures`).toHaveLength(0);
    await reader`COMMIT`;
    reader.release();
    expect(await history.prune(24)).toEqual({ droppedDays: [dayName(day(-3))] });
  });

  it('and a job added to the day at the same moment: the job is kept, or its day made anew', async () => {
    const { history, day, insert, sql } = await setup();
    await insert(endedJob(day(-3), [['SUCCEEDED', 1]]));
    const late = endedJob(day(-3), [['SUCCEEDED', 1]]);
    const pruning = Promise.withResolvers<unknown>();
    await sql.begin(async (tx) => {
      await insertJobs(tx, [late]);
      pruning.resolve(history.prune(24));
      await expect
        .poll(async () => (await sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`).length)
        .toBe(1);
    });
    await pruning.promise;
    expect(await insert(endedJob(day(-3), [['SUCCEEDED', 1]]))).toHaveProperty('size', 1);
    await history.prune(24);
    expect(await sql`SELECT sum(task_count)::int AS tasks FROM daily_figures`).toEqual([{ tasks: 3 }]);
  });

  it('forgets what was left on targets 30 days after it was gone, and nothing that may still be there', async () => {
    const { history, sql } = await setup();
    const row = { target_id: 'shop', fence: 1, kind: 'index', proof: sql.json({}), task_id: sampleJob().id };
    const [old, late] = [31, 29].map((days) => new Date(Date.now() - days * dayMs));
    await sql`INSERT INTO remnants ${sql([
      { ...row, recorded_at: old, closed_at: old, outcome: 'swept', note: 'old' },
      { ...row, recorded_at: old, closed_at: late, outcome: 'swept', note: 'late' },
      { ...row, recorded_at: old, closed_at: null, outcome: null, note: 'open' },
    ] as never)}`;
    await history.prune(24);
    expect(await sql`SELECT note FROM remnants ORDER BY id`).toEqual([{ note: 'late' }, { note: 'open' }]);
  });

  it('forgets idempotency keys past their time', async () => {
    const { history, sql } = await setup();
    const row = { principal: 'p', route: 'r', request_hash: 'h' };
    await sql`INSERT INTO idempotency_keys ${sql([
      { ...row, key: 'old', expires_at: new Date(Date.now() - hourMs) },
      { ...row, key: 'new', expires_at: new Date(Date.now() + hourMs) },
    ])}`;
    await history.prune(24);
    expect(await sql`SELECT key FROM idempotency_keys`).toEqual([{ key: 'new' }]);
  });
});

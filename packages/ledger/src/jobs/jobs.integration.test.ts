import { randomBytes } from 'node:crypto';
import type { AuditEntry, JobWithTasks, LedgerTransaction, NewJob } from '@slacktide/application/ports';
import { type Json, timeOrderedId } from '@slacktide/domain';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { noon, sampleContext, sampleJob, sampleTarget, sampleTask } from '../../../../test/support/ledger-data.ts';
import { cancelChannel } from '../cancel-channel.ts';
import { connectLedger } from '../connect.ts';

const audit: readonly [AuditEntry] = [{ action: 'job.create', entity: 'job', entityId: 'some' }];
const after = (ms: number): Date => new Date(noon.getTime() + ms);
const dayMs = 86_400_000;

async function setup() {
  const databaseUrl = await freshLedger();
  const { ledger, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 4 });
  onTestFinished(close);
  const write = <T extends Json>(work: (tx: LedgerTransaction) => Promise<T>): Promise<T> =>
    ledger.transaction(sampleContext(), async (tx) => ({ result: await work(tx), audit }));
  const insert = (...jobs: NewJob[]) =>
    write(async (tx) => {
      const inserted: boolean[] = [];
      for (const job of jobs) inserted.push(await tx.jobs.insert(job));
      return inserted;
    });
  await write(async (tx) => {
    await tx.targets.insert(sampleTarget());
    await tx.targets.insert(sampleTarget({ id: 'other' }));
    return null;
  });
  return { ledger, write, insert, sql: lookInto(databaseUrl) };
}

/** The job as a reader gives it: with tasks that have no steps yet. */
function asRead(job: NewJob): JobWithTasks {
  return { ...job, tasks: job.tasks.map((task) => ({ ...task, steps: [] })) };
}

describe('a job', () => {
  it('comes back as it was written, whatever its day', async () => {
    const { ledger, insert } = await setup();
    const due = [noon, after(-40 * dayMs), after(dayMs - (noon.getTime() % dayMs)), after(123)];
    for (const scheduledFor of due) {
      const job = sampleJob({ scheduledFor, window: { startHour: 22, endHour: 4 }, haltOnTaskFailure: false });
      expect(await insert(job)).toEqual([true]);
      expect(await ledger.jobs.get(job.id)).toEqual(asRead(job));
    }
  });

  it('born SKIPPED keeps its reasons, with tasks in their order', async () => {
    const { ledger, insert } = await setup();
    const ended = { state: 'SKIPPED', reason: 'outside_window', finishedAt: after(1) } as const;
    const job = sampleJob(ended);
    const skipped = { ...job, tasks: job.tasks.map((task) => ({ ...task, ...ended })).toReversed() };
    await insert(skipped);
    const read = await ledger.jobs.get(job.id);
    expect(read).toEqual(asRead({ ...skipped, tasks: skipped.tasks.toReversed() }));
  });

  it('is read with the steps of its tasks, in their order', async () => {
    const { ledger, insert, sql } = await setup();
    const job = sampleJob();
    await insert(job, sampleJob());
    const task = job.tasks[0];
    const common = {
      scheduled_for: noon,
      task_id: task?.id as string,
      percent: 12.5,
      eta_seconds: 3.25,
      phase: 'building index',
    };
    await sql`INSERT INTO steps ${sql([
      {
        ...common,
        key: 'b',
        position: 1,
        state: 'RUNNING',
        started_at: after(5),
        finished_at: null,
        statement: null,
        result: null,
      },
      {
        ...common,
        key: 'a',
        position: 0,
        state: 'SUCCEEDED',
        started_at: after(1),
        finished_at: after(4),
        statement: 'REINDEX INDEX CONCURRENTLY "a"',
        result: sql.json({ freedBytes: 8192 }),
      },
    ])}`;
    const read = await ledger.jobs.get(job.id);
    expect(read?.tasks.map(({ steps }) => steps)).toEqual([
      [
        {
          key: 'a',
          position: 0,
          state: 'SUCCEEDED',
          reason: null,
          object: null,
          statement: 'REINDEX INDEX CONCURRENTLY "a"',
          phase: 'building index',
          percent: 12.5,
          etaSeconds: 3.25,
          result: { freedBytes: 8192 },
          error: null,
          startedAt: after(1),
          finishedAt: after(4),
        },
        expect.objectContaining({ key: 'b', startedAt: after(5), finishedAt: null }),
      ],
      [],
    ]);
  });

  it('is unknown by any id that is not one', async () => {
    const { ledger, write } = await setup();
    for (const id of ['', 'nonsense', "'; --", crypto.randomUUID(), timeOrderedId(noon, randomBytes(10))]) {
      expect(await ledger.jobs.get(id)).toBeUndefined();
      expect(await write(async (tx) => (await tx.jobs.getForUpdate(id)) === undefined)).toBe(true);
      expect(await write((tx) => tx.jobs.requestCancel(id, noon))).toBe(false);
    }
  });

  it('whose id does not carry its due time is refused', async () => {
    const { insert } = await setup();
    const job = sampleJob();
    await expect(insert({ ...job, scheduledFor: after(1) })).rejects.toThrow('jobs_id');
    const strayTask = sampleTask({ jobId: job.id }, after(1));
    await expect(insert({ ...job, tasks: [strayTask] })).rejects.toThrow('tasks_id');
  });

  it('in a state that contradicts itself is refused', async () => {
    const { insert, sql } = await setup();
    await expect(insert(sampleJob({ state: 'SUCCEEDED' }))).rejects.toThrow('jobs_finished');
    await expect(insert(sampleJob({ finishedAt: noon }))).rejects.toThrow('jobs_finished');
    await expect(insert(sampleJob({ state: 'SKIPPED', finishedAt: noon }))).rejects.toThrow('jobs_skipped_has_reason');
    await expect(insert(sampleJob({ trigger: 'schedule', scheduleId: null }))).rejects.toThrow(
      'jobs_tick_has_schedule',
    );
    await insert(sampleJob());
    await expect(sql`UPDATE tasks SET state = 'RUNNING', started_at = now()`).rejects.toThrow(
      'tasks_running_is_fenced',
    );
    await expect(sql`UPDATE tasks SET state = 'FAILED', finished_at = now()`).rejects.toThrow('tasks_failed_has_error');
    await expect(sql`UPDATE tasks SET state = 'SUCCEEDED'`).rejects.toThrow('tasks_finished');
    await expect(sql`UPDATE tasks SET intent_pid = 7`).rejects.toThrow('tasks_intent_whole');
  });
});

describe('a tick', () => {
  const tick = (changes: Partial<NewJob> = {}) => sampleJob({ trigger: 'schedule', ...changes });

  it('has one job for each target, however many insert it at once', async () => {
    const { ledger, insert, sql } = await setup();
    const results = await Promise.all(Array.from({ length: 8 }, () => insert(tick())));
    expect(results.flat().filter(Boolean)).toHaveLength(1);
    expect(await insert(tick({ targetId: 'other' }), tick({ scheduledFor: after(60_000) }))).toEqual([true, true]);
    expect((await ledger.jobs.list({ limit: 50 })).items).toHaveLength(3);
    expect(await sql`SELECT count(*)::int FROM tasks`).toEqual([{ count: 6 }]);
  });

  it('and a job made by hand at the same instant are two', async () => {
    const { insert } = await setup();
    expect(await insert(tick(), sampleJob(), sampleJob())).toEqual([true, true, true]);
  });

  it('that comes again with the same id is the one that is there', async () => {
    const { insert, ledger } = await setup();
    const job = tick();
    expect(await insert(job, job)).toEqual([true, false]);
    expect(await ledger.jobs.get(job.id)).toEqual(asRead(job));
  });
});

describe('the list', () => {
  it('goes through all jobs once, newest first, over days and equal instants, while new ones come', async () => {
    const { ledger, insert } = await setup();
    const due = [0, 0, 0, 1, -dayMs, -dayMs, 2, dayMs].map(after);
    const jobs = due.map((scheduledFor) => sampleJob({ scheduledFor }));
    await insert(...jobs);
    const expected = jobs
      .map(({ id }) => id)
      .toSorted()
      .toReversed();
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ledger.jobs.list({ limit: 3, cursor });
      seen.push(...page.items.map(({ id }) => id));
      await insert(sampleJob({ scheduledFor: after(2 * dayMs) }));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(expected);
  });

  it('is filtered by state, schedule, target and time, alone and together', async () => {
    const { ledger, insert } = await setup();
    const failed = { state: 'FAILED', startedAt: noon, finishedAt: noon, tasks: [] } as const;
    const byHour = (n: number) => after(n * 3_600_000);
    const [a, b, c, d] = [
      sampleJob({ scheduledFor: byHour(0) }),
      sampleJob({ scheduledFor: byHour(1), scheduleId: 'weekly', targetId: 'other' }),
      sampleJob({ scheduledFor: byHour(2), ...failed }),
      sampleJob({ scheduledFor: byHour(3), scheduleId: null, trigger: 'adhoc', ...failed }),
    ];
    await insert(a, b, c, d);
    const found = async (filter: Parameters<typeof ledger.jobs.list>[1]) =>
      (await ledger.jobs.list({ limit: 10 }, filter)).items.map(({ id }) => id);
    expect(await found({})).toEqual([d.id, c.id, b.id, a.id]);
    expect(await found({ state: 'FAILED' })).toEqual([d.id, c.id]);
    expect(await found({ scheduleId: 'weekly' })).toEqual([b.id]);
    expect(await found({ targetId: 'shop' })).toEqual([d.id, c.id, a.id]);
    expect(await found({ from: byHour(1), to: byHour(3) })).toEqual([c.id, b.id]);
    expect(await found({ state: 'FAILED', scheduleId: 'nightly', targetId: 'shop', from: byHour(2) })).toEqual([c.id]);
    expect(await found({ state: 'RUNNING' })).toEqual([]);
  });

  it('holds at most 200', async () => {
    const { ledger } = await setup();
    for (const limit of [0, 201, 1.5]) {
      await expect(ledger.jobs.list({ limit })).rejects.toThrow('expected a limit from 1 to 200');
    }
  });
});

describe('requestCancel', () => {
  it('flags the job, ends what has not begun, and tells who listens when it is committed', async () => {
    const { ledger, insert, write, sql } = await setup();
    const heard = vi.fn();
    await sql.listen(cancelChannel, heard);
    const job = sampleJob();
    await insert(job, sampleJob());
    await sql`UPDATE jobs SET state = 'RUNNING', started_at = ${noon} WHERE id = ${job.id}`;
    await sql`UPDATE tasks SET state = 'RUNNING', started_at = ${noon}, fence = 1, worker_id = 'w', access = 'act'
      WHERE id = ${job.tasks[0]?.id as string}`;
    expect(await write((tx) => tx.jobs.requestCancel(job.id, after(5)))).toBe(true);
    expect(await ledger.jobs.get(job.id)).toMatchObject({
      state: 'RUNNING',
      cancelRequestedAt: after(5),
      tasks: [
        { state: 'RUNNING', finishedAt: null },
        { state: 'SKIPPED', reason: 'cancelled', finishedAt: after(5) },
      ],
    });
    await vi.waitFor(() => expect(heard.mock.calls).toEqual([[job.id]]), { timeout: 20_000 });
    expect((await ledger.jobs.list({ limit: 10 }, { state: 'PENDING' })).items[0]).toMatchObject({
      cancelRequestedAt: null,
      tasks: [{ state: 'PENDING' }, { state: 'PENDING' }],
    });
  });

  it('again keeps the first time; of a job that is over does nothing', async () => {
    const { ledger, insert, write } = await setup();
    const open = sampleJob({ tasks: [] });
    const over = sampleJob({ tasks: [], state: 'SUCCEEDED', startedAt: noon, finishedAt: noon });
    await insert(open, over);
    const cancel = (id: string, at: Date) => write((tx) => tx.jobs.requestCancel(id, at));
    expect([await cancel(open.id, after(1)), await cancel(open.id, after(2)), await cancel(over.id, after(1))]).toEqual(
      [true, true, false],
    );
    expect(await ledger.jobs.get(open.id)).toMatchObject({ cancelRequestedAt: after(1) });
    expect(await ledger.jobs.get(over.id)).toMatchObject({ cancelRequestedAt: null });
  });
});

describe('in a transaction', () => {
  it('getForUpdate waits for who has the job, and sees what they wrote', async () => {
    const { insert, write } = await setup();
    const job = sampleJob();
    await insert(job);
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const first = write(async (tx) => {
      await tx.jobs.getForUpdate(job.id);
      locked.resolve();
      await release.promise;
      return tx.jobs.requestCancel(job.id, after(9));
    });
    await locked.promise;
    const second = write(async (tx) => (await tx.jobs.getForUpdate(job.id))?.cancelRequestedAt?.getTime() ?? null);
    release.resolve();
    expect(await first).toBe(true);
    expect(await second).toBe(after(9).getTime());
  });
});

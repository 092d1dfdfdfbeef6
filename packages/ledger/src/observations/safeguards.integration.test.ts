import type { NewJob, StepRecord, TaskOutcome } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup, sampleStep, taskOf } from '../../../../test/support/executions.ts';
import { sampleContext, sampleJob, sampleSchedule } from '../../../../test/support/ledger-data.ts';

const at = new Date('2026-11-22T12:00:01.234Z');
const error = (code: string) => ({ code, message: code });

async function setup() {
  const base = await executionsSetup();
  const memory = base.connection.observations.memoryOf('shop');
  /** Runs the task of a job of its own, due now unless said otherwise, to that end. */
  const run = async (
    outcome: TaskOutcome,
    steps: readonly Partial<StepRecord>[] = [],
    { type = 'INDEX_REBUILD', ...changes }: Partial<NewJob> & { readonly type?: string } = {},
  ): Promise<NewJob> => {
    const scheduledFor = changes.scheduledFor ?? new Date();
    const [first, ...rest] = sampleJob({ scheduledFor, ...changes }).tasks;
    if (first === undefined) throw new Error('expected a task');
    const job = await base.addJob({
      ...sampleJob({ scheduledFor, ...changes }),
      id: first.jobId,
      tasks: [{ ...first, type }, ...rest],
    });
    const claimed = claimedBy(await base.claim(job, 'rebuild'));
    const records = steps.map((step, position) => sampleStep({ key: `step ${position}`, position, ...step }));
    expect(await base.executions.finish(claimed, outcome, records)).toBe(true);
    return job;
  };
  return { ...base, memory, run };
}

const none = {
  indexAttempts: 0,
  indexSuccesses: 0,
  rateLimited: 0,
  loadThrottled: 0,
  lockFailures: 0,
  windowSkips: 0,
  schedulesWithoutWindow: [],
};
const ended = { finishedAt: at } as const;
const succeeded = (result: JsonObject = {}): TaskOutcome => ({ kind: 'succeeded', result });

describe('safeguards', () => {
  it('stepped in nowhere where nothing happened, and look back a day', async () => {
    const { memory } = await setup();
    const now = await memory.now();
    const { since, ...figures } = await memory.safeguards();
    expect(figures).toEqual(none);
    expect(Math.round((now.getTime() - since.getTime()) / 60_000)).toBe(24 * 60);
  });

  it('count steps on indexes that were begun, and those that were done', async () => {
    const { memory, run } = await setup();
    const steps: Partial<StepRecord>[] = [
      { ...ended, state: 'SUCCEEDED' },
      { ...ended, state: 'SUCCEEDED', statement: 'SET lock_timeout = 1;\ncreate unique index CONCURRENTLY a ON b (c)' },
      { ...ended, state: 'FAILED', error: error('boom'), statement: 'DROP INDEX CONCURRENTLY public.a' },
      { ...ended, state: 'SUCCEEDED', statement: 'CREATE INDEX a ON b (c)' },
      { ...ended, state: 'SUCCEEDED', statement: 'ANALYZE public.drop_index' },
      { ...ended, state: 'SKIPPED', reason: 'index_gone' },
      { ...ended, state: 'SKIPPED', reason: 'cancelled', startedAt: null },
      { ...ended, state: 'CANCELLED', startedAt: null },
    ];
    await run(succeeded(), steps);
    await run(succeeded(), steps, { type: 'FINDING_ACTION' });
    await run(succeeded(), steps, { type: 'STATISTICS_UPDATE' });
    expect(await memory.safeguards()).toMatchObject({ ...none, indexAttempts: 8, indexSuccesses: 6 });
  });

  it('count objects that were over a limit of one run, whichever', async () => {
    const { memory, run } = await setup();
    const left = (reason: string) => ({ object: reason, reason });
    await run(
      succeeded({
        skipped: [left('over_max_indexes'), left('over_max_tables'), left('excluded'), left('not_over_it')],
      }),
    );
    await run(succeeded({ unknown: [{ ...left('over_max_measured_mb'), grant: null }] }), [], {
      type: 'METRICS_COLLECTION',
    });
    await run({ kind: 'failed', error: error('boom'), result: null });
    expect(await memory.safeguards()).toMatchObject({ ...none, rateLimited: 3 });
  });

  it('count what did not get its lock, each once', async () => {
    const { memory, run, sql } = await setup();
    const locked: Partial<StepRecord> = { ...ended, state: 'FAILED', error: error('lock_timeout'), statement: null };
    // A failed step's error is its task's: counted as the step, beside one that was blocked and an object that was locked.
    await run(
      {
        kind: 'failed',
        error: error('lock_timeout'),
        result: {
          skipped: [{ object: 'step 1', reason: 'blocked' }],
          unknown: [{ object: 'public.c', reason: 'locked', grant: null }],
        },
      },
      [
        locked,
        { ...ended, state: 'SKIPPED', reason: 'blocked' },
        { ...ended, state: 'FAILED', error: error('boom'), statement: null },
      ],
    );
    expect((await memory.safeguards()).lockFailures).toBe(3);
    await run({ kind: 'failed', error: error('lock_timeout'), result: null });
    await run({ kind: 'skipped', reason: 'target_busy', result: null });
    await run({ kind: 'failed', error: error('boom'), result: null });
    expect((await memory.safeguards()).lockFailures).toBe(5);
    const waiting = await run(succeeded());
    await sql`UPDATE tasks SET reason = 'target_locked' WHERE id = ${taskOf(waiting, 'analyse').id}`;
    expect(await memory.safeguards()).toMatchObject({ ...none, lockFailures: 6 });
  });

  it('count tasks that their window kept out, and jobs that had none such', async () => {
    const { addJob, memory, run } = await setup();
    const over = { state: 'SKIPPED', reason: 'outside_window', finishedAt: at } as const;
    const scheduledFor = new Date();
    const job = sampleJob({ scheduledFor });
    await addJob({ ...job, ...over, tasks: job.tasks.map((task) => ({ ...task, ...over })) });
    await addJob({ ...over, scheduledFor: new Date(scheduledFor.getTime() + 1), tasks: [] });
    await addJob({ ...over, reason: 'missed', scheduledFor: new Date(scheduledFor.getTime() + 2), tasks: [] });
    await run({ kind: 'skipped', reason: 'window_closed' as never, result: null }, [
      { ...ended, state: 'SKIPPED', reason: 'window_closed', startedAt: null },
    ]);
    expect(await memory.safeguards()).toMatchObject({ ...none, windowSkips: 4 });
  });

  it('count what was put off for the load', async () => {
    const { memory, run } = await setup();
    await run(succeeded(), [{ ...ended, state: 'SKIPPED', reason: 'load' }]);
    await run({ kind: 'skipped', reason: 'load', result: null });
    expect(await memory.safeguards()).toMatchObject({ ...none, loadThrottled: 2 });
    // A pause is a step that did what it was to do; no work on an index.
    await run(succeeded(), [
      { ...ended, state: 'SUCCEEDED', reason: 'load', key: 'pause-1', object: null, statement: null },
    ]);
    expect(await memory.safeguards()).toMatchObject({ ...none, loadThrottled: 3 });
  });

  it('know of their target and of the last day alone', async () => {
    const { memory, run } = await setup();
    const skipped = [{ object: 'a', reason: 'over_max_indexes' }];
    const steps = [{ ...ended, state: 'SUCCEEDED' } as const];
    await run(succeeded({ skipped }), steps, { targetId: 'stock' });
    await run(succeeded({ skipped }), steps, { scheduledFor: new Date(Date.now() - 25 * 3_600_000) });
    expect(await memory.safeguards()).toMatchObject(none);
    await run(succeeded({ skipped }), steps, { scheduledFor: new Date(Date.now() - 23 * 3_600_000) });
    expect(await memory.safeguards()).toMatchObject({ ...none, indexAttempts: 1, indexSuccesses: 1, rateLimited: 1 });
  });

  it('tell which schedules act on the target at any hour', async () => {
    const { memory, ledger } = await setup();
    const acting = [{ key: 'a', type: 'INDEX_REBUILD', config: {}, needs: [] }];
    const looking = [{ key: 'a', type: 'POSTGRES_CARE', config: {}, needs: [] }];
    const of = (...ids: string[]) => ({ kind: 'ids', ids }) as const;
    const window = { startHour: 1, endHour: 5 };
    const anyHour = { tasks: acting, targets: of('shop'), window: null, enabled: true };
    await ledger.transaction(sampleContext(), async (tx) => {
      for (const schedule of [
        { ...anyHour, id: 'open' },
        { ...anyHour, id: 'windowed', window },
        { ...anyHour, id: 'looking', tasks: looking },
        { ...anyHour, id: 'disabled', enabled: false, nextDueAt: null },
        { ...anyHour, id: 'elsewhere', targets: of('stock') },
        { ...anyHour, id: 'labelled', targets: { kind: 'labels', labels: {} } as const },
        { ...anyHour, id: 'labelled-otherwise', targets: { kind: 'labels', labels: { no: 'such' } } as const },
      ]) {
        await tx.schedules.insert(sampleSchedule(schedule));
      }
      return { result: null, audit: [{ action: 'schedule.create', entity: 'schedule', entityId: 'open' }] };
    });
    expect((await memory.safeguards()).schedulesWithoutWindow).toEqual(['labelled', 'open']);
  });
});

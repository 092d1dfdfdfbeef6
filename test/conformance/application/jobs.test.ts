import { cancelJob, createSchedule, getJob, listJobs, runSchedule } from '@slacktide/application';
import { Job, StartedJobs } from '@slacktide/contract';
import { instantOfId } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { sampleClaim, sampleContext } from '../../support/ledger-data.ts';
import { refusalOf, scheduleInput, setup } from './setup.ts';

describe('runSchedule', () => {
  it('makes one job for each target and asks for their flows', async () => {
    const { deps, ctx, outbox, audit, registerTarget } = await setup();
    for (const id of ['a', 'b']) await registerTarget(id);
    const tasks = ['INDEX_REBUILD', 'STATISTICS_UPDATE'];
    await createSchedule(deps, ctx, scheduleInput({ id: 'n', target_ids: ['b', 'a'], tasks, enabled: false }));
    const started = await runSchedule(deps, ctx, { id: 'n' });
    expect(StartedJobs.parse(started)).toEqual(started);
    expect(started.jobs).toMatchObject(
      ['a', 'b'].map((target_id) => ({
        schedule_id: 'n',
        target_id,
        trigger: 'manual',
        state: 'PENDING',
        trace_id: ctx.traceId,
        requested_by: 'Tester',
        tasks: [
          { key: 'index-rebuild', state: 'PENDING', needs: [], steps: [] },
          { key: 'statistics-update', state: 'PENDING', needs: ['index-rebuild'], steps: [] },
        ],
      })),
    );
    for (const job of started.jobs) {
      expect(instantOfId(job.id).toISOString()).toBe(job.scheduled_for);
      expect(await getJob(deps, ctx, { id: job.id })).toEqual(job);
    }
    const flows = started.jobs.map(({ id }) => ({ kind: 'flow.add', jobId: id, generation: 1 }));
    expect((await outbox()).slice(1)).toEqual(flows);
    expect((await audit()).slice(0, 2).map(({ action, entity }) => [action, entity])).toEqual([
      ['job.create', 'job'],
      ['job.create', 'job'],
    ]);
  });

  it('outside the window the job is SKIPPED with a reason, and no flow is asked for', async () => {
    const { deps, ctx, sql, outbox, registerTarget } = await setup();
    await registerTarget('shop');
    const [clock] = await sql<[{ hour: number }]>`SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::int AS hour`;
    // Two hours from now: closed even when the hour turns while the test runs.
    const window = { window_start_hour: (clock.hour + 2) % 24, window_end_hour: (clock.hour + 3) % 24 };
    await createSchedule(deps, ctx, scheduleInput({ id: 'n', ...window }));
    const { jobs } = await runSchedule(deps, ctx, { id: 'n' });
    expect(jobs).toMatchObject([
      {
        state: 'SKIPPED',
        reason: 'outside_window',
        started_at: null,
        tasks: [{ state: 'SKIPPED', reason: 'outside_window' }],
      },
    ]);
    expect(jobs[0]?.finished_at).not.toBeNull();
    expect(await outbox()).toEqual([{ kind: 'schedule.sync', scheduleId: 'n' }]);
  });

  it('selects the targets that carry all labels at that moment', async () => {
    const { deps, ctx, registerTarget } = await setup();
    await registerTarget('a', { env: 'prod', team: 'x' });
    await registerTarget('b', { env: 'prod', team: 'y' });
    await registerTarget('c', { env: 'test', team: 'x' });
    const labelled = (id: string, target_labels: Record<string, string>) =>
      createSchedule(deps, ctx, scheduleInput({ id, name: id, target_ids: null, target_labels }));
    await labelled('prod', { env: 'prod' });
    await labelled('both', { env: 'prod', team: 'x' });
    await labelled('none', { env: 'nowhere' });
    const targetsOf = async (id: string) => (await runSchedule(deps, ctx, { id })).jobs.map((job) => job.target_id);
    expect(await targetsOf('prod')).toEqual(['a', 'b']);
    expect(await targetsOf('both')).toEqual(['a']);
    await registerTarget('d', { env: 'prod' });
    expect(await targetsOf('prod')).toEqual(['a', 'b', 'd']);
    expect(await refusalOf(targetsOf('none'))).toMatchObject({ code: 'conflict' });
    expect(await refusalOf(targetsOf('nowhere'))).toMatchObject({ code: 'not_found' });
  });

  it('runs once for a repeated request', async () => {
    const { deps, rows, registerTarget } = await setup();
    await registerTarget('shop');
    const ctx = () => sampleContext({ idempotency: sampleClaim('run-1') });
    await createSchedule(deps, sampleContext(), scheduleInput({ id: 'n' }));
    const results = await Promise.all([1, 2, 3].map(() => runSchedule(deps, ctx(), { id: 'n' })));
    expect(new Set(results.map(({ jobs }) => jobs[0]?.id)).size).toBe(1);
    expect(await rows()).toMatchObject({ jobs: 1, tasks: 1 });
  });
});

describe('listJobs', () => {
  it('filters by state, schedule, target and time, newest first', async () => {
    const { deps, ctx, registerTarget } = await setup();
    for (const id of ['a', 'b']) await registerTarget(id);
    await createSchedule(deps, ctx, scheduleInput({ id: 'one', name: 'one', target_ids: ['a', 'b'] }));
    await createSchedule(deps, ctx, scheduleInput({ id: 'two', name: 'two', target_ids: ['b'] }));
    const [first] = (await runSchedule(deps, ctx, { id: 'one' })).jobs;
    const [last] = (await runSchedule(deps, ctx, { id: 'two' })).jobs;
    if (first === undefined || last === undefined) throw new Error('expected jobs');
    const page = (query: object) => listJobs(deps, ctx, { limit: 50, ...query });
    const idsOf = async (query: object) => (await page(query)).items.map(({ id }) => id);
    expect((await page({})).items[0]).toEqual(last);
    expect(await idsOf({ schedule_id: 'two' })).toEqual([last.id]);
    expect((await page({ target_id: 'b' })).items).toHaveLength(2);
    expect(await idsOf({ state: 'RUNNING' })).toEqual([]);
    expect(await idsOf({ from: new Date(last.scheduled_for) })).toEqual([last.id]);
    expect(await idsOf({ to: new Date(first.scheduled_for) })).toEqual([]);
    const { items, next_cursor } = await page({ limit: 1 });
    expect(items).toHaveLength(1);
    expect(await idsOf({ cursor: next_cursor ?? '' })).toHaveLength(2);
  });
});

describe('cancelJob', () => {
  async function setupJob() {
    const it = await setup();
    await it.registerTarget('shop');
    await createSchedule(it.deps, it.ctx, scheduleInput({ id: 'n', tasks: ['INDEX_REBUILD', 'MVCC_CLEANUP'] }));
    const [job] = (await runSchedule(it.deps, it.ctx, { id: 'n' })).jobs;
    if (job === undefined) throw new Error('expected a job');
    return { ...it, id: job.id };
  }

  it('ends what has not begun, remembers who asked, and changes nothing the second time', async () => {
    const { deps, ctx, audit, id } = await setupJob();
    const cancelled = await cancelJob(deps, ctx, { id });
    expect(Job.parse(cancelled)).toEqual(cancelled);
    expect(cancelled.cancel_requested_at).not.toBeNull();
    expect(cancelled.tasks.map(({ state, reason }) => [state, reason])).toEqual([
      ['SKIPPED', 'cancelled'],
      ['SKIPPED', 'cancelled'],
    ]);
    expect(await cancelJob(deps, ctx, { id })).toEqual(cancelled);
    const [again, first, ...skipped] = await audit();
    expect(skipped.slice(0, 2)).toMatchObject(
      [1, 2].map(() => ({
        action: 'task.skip',
        actor: first?.actor,
        reason: 'cancelled',
        before: { state: 'PENDING' },
        after: { state: 'SKIPPED' },
      })),
    );
    const ids = skipped.slice(0, 2).map(({ entityId }) => entityId);
    expect(ids.sort()).toEqual(cancelled.tasks.map((task) => task.id).sort());
    expect(first).toMatchObject({ action: 'job.cancel', before: { state: 'PENDING', cancel_requested_at: null } });
    expect(again).toMatchObject({ action: 'job.cancel', reason: 'was requested before' });
  });

  it('refuses a job that is over, and one that does not exist', async () => {
    const { deps, ctx, sql, id, rows } = await setupJob();
    await sql`UPDATE jobs SET state = 'SUCCEEDED', started_at = now(), finished_at = now()`;
    const before = await rows();
    const refusal = await refusalOf(cancelJob(deps, ctx, { id }));
    expect(refusal).toMatchObject({ code: 'conflict', message: 'The job is over: SUCCEEDED' });
    for (const unknown of ['nonsense', '019aa000-0000-7000-8000-000000000000']) {
      expect(await refusalOf(cancelJob(deps, ctx, { id: unknown }))).toMatchObject({ code: 'not_found' });
      expect(await refusalOf(getJob(deps, ctx, { id: unknown }))).toMatchObject({ code: 'not_found' });
    }
    expect(await rows()).toEqual(before);
  });
});

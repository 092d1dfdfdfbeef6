import type { TaskOutcome } from '@slacktide/application/ports';
import { describe, expect, it, vi } from 'vitest';
import { claimedBy, executionsSetup, sampleStep } from '../../../../test/support/executions.ts';

const error = { code: 'lock_timeout', message: 'gave up waiting', detail: { seconds: 30 } };
const failed: TaskOutcome = { kind: 'failed', error, result: { indexes: 1 } };

describe('finish', () => {
  it.each([
    [
      { kind: 'succeeded', result: { indexes: 2 } },
      { state: 'SUCCEEDED', reason: null, progress: 100, error: null },
      'task.succeed',
    ],
    [failed, { state: 'FAILED', reason: null, progress: 30, error }, 'task.fail'],
    [
      { kind: 'cancelled', result: null },
      { state: 'CANCELLED', reason: 'cancelled', progress: 30, error: null },
      'task.cancel',
    ],
    [
      { kind: 'skipped', reason: 'outside_window', result: { indexes: 0 } },
      { state: 'SKIPPED', reason: 'outside_window', progress: 30, error: null },
      'task.skip',
    ],
  ] as const)('writes that a task %j', async (outcome, expected, action) => {
    const { addJob, claim, executions, ledger, sql } = await executionsSetup();
    const job = await addJob();
    const claimed = claimedBy(await claim(job, 'rebuild'));
    await executions.recordProgress(claimed, { steps: [], percent: 30 });
    const steps = [sampleStep(), sampleStep({ key: 'second', position: 1, state: 'PENDING', startedAt: null })];
    expect(await executions.finish(claimed, outcome, steps)).toBe(true);

    const task = (await ledger.jobs.get(job.id))?.tasks[0];
    expect(task).toMatchObject({ ...expected, result: outcome.result, steps });
    expect(task?.finishedAt).toBeInstanceOf(Date);
    expect(await sql`SELECT FROM leases`).toHaveLength(0);
    const { items } = await ledger.audit.list({ limit: 10 }, { entityId: claimed.task.id, action });
    expect(items).toMatchObject([
      { actor: 'worker:w1', before: { state: 'RUNNING' }, after: { state: expected.state } },
    ]);
  });

  it('halts the job after a failure where it is to halt: the rest is skipped', async () => {
    const { addJob, claim, executions, ledger } = await executionsSetup();
    const job = await addJob({ haltOnTaskFailure: true });
    await executions.finish(claimedBy(await claim(job, 'rebuild')), failed, []);
    expect((await ledger.jobs.get(job.id))?.halted).toBe(true);
    const { items } = await ledger.audit.list({ limit: 10 }, { action: 'job.halt', entityId: job.id });
    expect(items).toMatchObject([{ before: { halted: false }, after: { halted: true } }]);
    expect(await claim(job, 'analyse')).toEqual({ kind: 'skipped', reason: 'halted' });
    expect(await executions.finalise({ jobId: job.id, generation: 1 })).toEqual({
      kind: 'finalised',
      state: 'FAILED',
      neverStarted: ['STATISTICS_UPDATE'],
    });
  });

  it('goes on after a failure where it is not to halt', async () => {
    const { addJob, claim, executions, ledger } = await executionsSetup();
    const job = await addJob({ haltOnTaskFailure: false });
    await executions.finish(claimedBy(await claim(job, 'rebuild')), failed, []);
    expect((await ledger.jobs.get(job.id))?.halted).toBe(false);
    await executions.finish(claimedBy(await claim(job, 'analyse')), { kind: 'succeeded', result: {} }, []);
    expect(await executions.finalise({ jobId: job.id, generation: 1 })).toEqual({
      kind: 'finalised',
      state: 'FAILED',
      neverStarted: [],
    });
    expect((await ledger.jobs.get(job.id))?.tasks.map(({ state }) => state)).toEqual(['FAILED', 'SUCCEEDED']);
  });
});

describe('release', () => {
  it('makes the task claimable again, with what it waits for as its reason', async () => {
    const { addJob, claim, executions, ledger } = await executionsSetup();
    const job = await addJob();
    expect(await executions.release(claimedBy(await claim(job, 'rebuild')), 'locked_elsewhere')).toBe(true);
    expect((await ledger.jobs.get(job.id))?.tasks[0]).toMatchObject({
      state: 'PENDING',
      reason: 'locked_elsewhere',
      startedAt: null,
    });
    const again = claimedBy(await claim(job, 'rebuild', { workerId: 'w2' }));
    expect(again).toMatchObject({ fence: 2, task: { reason: null, attempt: 0 } });
  });
});

describe('recordProgress', () => {
  it('upserts steps by key and keeps those it is not told of', async () => {
    const { addJob, claim, executions, ledger } = await executionsSetup();
    const job = await addJob();
    const claimed = claimedBy(await claim(job, 'rebuild'));
    const first = sampleStep();
    const second = sampleStep({
      key: 'second',
      position: 1,
      state: 'PENDING',
      phase: null,
      percent: null,
      startedAt: null,
    });
    expect(await executions.recordProgress(claimed, { steps: [first, second], percent: null })).toBe(true);
    const finishedAt = new Date('2026-11-22T12:00:09.876Z');
    const done = {
      ...first,
      state: 'SUCCEEDED',
      percent: 100,
      etaSeconds: 0,
      result: { bytes: [1, null] },
      finishedAt,
    } as const;
    expect(await executions.recordProgress(claimed, { steps: [done], percent: 50 })).toBe(true);
    const task = (await ledger.jobs.get(job.id))?.tasks[0];
    expect(task).toMatchObject({ progress: 50, state: 'RUNNING' });
    expect(task?.steps).toEqual([done, second]);
  });

  it('does not rewrite steps that are as written already', async () => {
    const { addJob, claim, executions, sql } = await executionsSetup();
    const claimed = claimedBy(await claim(await addJob(), 'rebuild'));
    const versions = () => sql`SELECT key, xmin::text FROM steps ORDER BY key`;
    const other = sampleStep({ key: 'other', error: { code: 'x', message: 'y' }, result: { deep: [{ a: null }] } });
    await executions.recordProgress(claimed, { steps: [sampleStep(), other], percent: 1 });
    const [other1, first1] = await versions();
    await executions.recordProgress(claimed, { steps: [sampleStep({ percent: 41 }), other], percent: 2 });
    const [other2, first2] = await versions();
    expect(other2).toEqual(other1);
    expect(first2).not.toEqual(first1);
  });
});

describe('recordIntent and recordSamples', () => {
  it('count the attempt with the session that makes it, and keep figures of the target', async () => {
    const { addJob, claim, executions, ledger, sql } = await executionsSetup();
    const job = await addJob();
    const claimed = claimedBy(await claim(job, 'rebuild'));
    const epoch = { systemIdentifier: '7123', postmasterStart: '2026-11-01 00:00:00.000001+00', timeline: null };
    const backendStart = '2026-11-22 12:00:00.123456+00';
    expect(
      await executions.recordIntent(claimed, { pid: 4711, backendStart, applicationName: 'slacktide/x/1', epoch }),
    ).toBe(true);
    expect((await ledger.jobs.get(job.id))?.tasks[0]?.attempt).toBe(1);
    expect(
      await sql`SELECT intent_pid, intent_backend_start, intent_epoch FROM tasks WHERE intent_at IS NOT NULL`,
    ).toEqual([{ intent_pid: 4711, intent_backend_start: backendStart, intent_epoch: epoch }]);

    const samples = [
      { metric: 'database_size_bytes', object: null, values: { bytes: 5 } },
      { metric: 'table_bloat', object: 'public.orders', values: { dead: 1, live: 2 } },
    ];
    expect(await executions.recordSamples(claimed, samples)).toBe(true);
    expect(await executions.recordSamples(claimed, [])).toBe(true);
    expect(await sql`SELECT target_id, metric, object, "values", task_id FROM target_samples ORDER BY id`).toEqual(
      samples.map((sample) => ({ target_id: 'shop', ...sample, task_id: claimed.task.id })),
    );
  });
});

describe('subscribeCancels', () => {
  it('tells of every cancelled job until unsubscribed; renew tells it too', async () => {
    const { addJob, claim, cancel, executions, connection } = await executionsSetup();
    const [first, second] = await Promise.all([addJob(), addJob({ targetId: 'stock' })]);
    const claimed = claimedBy(await claim(first, 'rebuild'));
    const heard = vi.fn();
    const unsubscribe = await executions.subscribeCancels(heard);
    await cancel(first);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledExactlyOnceWith(first.id), { timeout: 20_000 });
    expect(await executions.renew(claimed, 60_000)).toEqual({ kind: 'held', cancelRequested: true });
    expect(await executions.gate(claimed)).toEqual({ kind: 'closed', reason: 'cancelled' });

    await unsubscribe();
    const still = vi.fn();
    await connection.executions.subscribeCancels(still);
    await cancel(second);
    await vi.waitFor(() => expect(still).toHaveBeenCalledExactlyOnceWith(second.id), { timeout: 20_000 });
    expect(heard).toHaveBeenCalledOnce();
  });

  it('hears again after its connection was lost', async () => {
    const { addJob, cancel, executions, sql } = await executionsSetup();
    const job = await addJob();
    const heard = vi.fn();
    const unsubscribe = await executions.subscribeCancels(heard);
    const listeners = () => sql`SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'test' AND query LIKE 'listen %'`;
    const [lost] = await listeners();
    await sql`SELECT pg_terminate_backend(${lost?.['pid']})`;
    await vi.waitFor(
      async () => expect((await listeners()).filter(({ pid }) => pid !== lost?.['pid'])).toHaveLength(1),
      { timeout: 20_000 },
    );
    await cancel(job);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledExactlyOnceWith(job.id), { timeout: 20_000 });
    await unsubscribe();
    await cancel(await addJob());
    expect(heard).toHaveBeenCalledOnce();
  });
});

import { randomBytes, randomUUID } from 'node:crypto';
import { timeOrderedId } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup, taskOf } from '../../../../test/support/executions.ts';
import { noon, sampleTask } from '../../../../test/support/ledger-data.ts';

/** Two tasks without needs. */
function free(jobId: string) {
  return ['rebuild', 'analyse'].map((key, position) => sampleTask({ jobId, key, position }));
}

/** The hours after next: closed now, and still when the hour turns during the test. */
function closedWindow() {
  const hour = new Date().getUTCHours();
  return { startHour: (hour + 2) % 24, endHour: (hour + 3) % 24 };
}

describe('claim', () => {
  it('starts task and job, takes the lease and the next fence, and says who did it', async () => {
    const { addJob, claim, sql, ledger } = await executionsSetup();
    const job = await addJob();
    const claimed = claimedBy(await claim(job, 'rebuild', { workerId: 'w1' }));
    expect(claimed).toMatchObject({ fence: 1, access: 'act', workerId: 'w1', target: { id: 'shop' } });

    const kept = await ledger.jobs.get(job.id);
    expect(kept).toMatchObject({ state: 'RUNNING', startedAt: claimed.job.startedAt });
    expect(kept?.tasks[0]).toMatchObject({ ...claimed.task, state: 'RUNNING', attempt: 0 });
    expect(
      await sql`SELECT task_id, target_id, access, worker_id, fence::int, expires_at > now() AS live FROM leases`,
    ).toEqual([{ task_id: claimed.task.id, target_id: 'shop', access: 'act', worker_id: 'w1', fence: 1, live: true }]);
    const { items } = await ledger.audit.list({ limit: 10 }, { actor: 'worker:w1' });
    expect(items).toHaveLength(2);
    expect(items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          action: 'task.claim',
          entityId: claimed.task.id,
          before: { state: 'PENDING' },
          after: { state: 'RUNNING', worker: 'w1', fence: 1, access: 'act' },
          traceId: job.traceId,
        }),
        expect.objectContaining({ action: 'job.start', entityId: job.id, after: { state: 'RUNNING' } }),
      ]),
    );
  });

  it('has one winner when eight workers race for one task', async () => {
    const { addJob, claim, sql } = await executionsSetup();
    for (let round = 1; round <= 5; round += 1) {
      const job = await addJob({ targetId: round % 2 === 0 ? 'shop' : 'stock' });
      const results = await Promise.all(
        Array.from({ length: 8 }, (_, worker) => claim(job, 'rebuild', { workerId: `w${worker}` })),
      );
      expect(results.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
      expect(results.filter(({ kind }) => kind !== 'claimed')).toEqual(
        Array(7).fill({ kind: 'not_yet', reason: 'running_elsewhere' }),
      );
      await sql`DELETE FROM leases`;
    }
  });

  it('lets one of several act on a target, and nobody observe meanwhile', async () => {
    const { addJob, claim } = await executionsSetup();
    const jobs = await Promise.all([addJob(), addJob(), addJob()]);
    const results = await Promise.all(jobs.map((job) => claim(job, 'rebuild')));
    expect(results.map((result) => (result.kind === 'not_yet' ? result.reason : result.kind)).sort()).toEqual([
      'claimed',
      'target_busy',
      'target_busy',
    ]);
    const next = await addJob();
    expect(await claim(next, 'rebuild', { access: 'observe' })).toEqual({ kind: 'not_yet', reason: 'target_busy' });
    const elsewhere = await addJob({ targetId: 'stock' });
    expect((await claim(elsewhere, 'rebuild')).kind).toBe('claimed');
  });

  it('lets several observe a target at once, and nobody act meanwhile', async () => {
    const { addJob, claim } = await executionsSetup();
    const jobs = await Promise.all([addJob(), addJob(), addJob()]);
    const results = await Promise.all(jobs.map((job) => claim(job, 'rebuild', { access: 'observe' })));
    expect(results.map(({ kind }) => kind)).toEqual(['claimed', 'claimed', 'claimed']);
    expect(new Set(results.map((result) => claimedBy(result).fence)).size).toBe(3);
    expect(await claim(await addJob(), 'rebuild')).toEqual({ kind: 'not_yet', reason: 'target_busy' });
  });

  it('waits for all needs, whatever came of them', async () => {
    const { addJob, claim, executions } = await executionsSetup();
    const job = await addJob({ haltOnTaskFailure: false });
    expect(await claim(job, 'analyse')).toEqual({ kind: 'not_yet', reason: 'needs_open' });
    const claimed = claimedBy(await claim(job, 'rebuild'));
    expect(await claim(job, 'analyse', { access: 'observe' })).toEqual({ kind: 'not_yet', reason: 'needs_open' });
    await executions.finish(claimed, { kind: 'failed', error: { code: 'boom', message: 'boom' }, result: null }, []);
    expect((await claim(job, 'analyse')).kind).toBe('claimed');
  });

  it('ends the task outside its window, and leaves the job as it was', async () => {
    const { addJob, claim, ledger } = await executionsSetup();
    const job = await addJob({ window: closedWindow() });
    expect(await claim(job, 'rebuild')).toEqual({ kind: 'skipped', reason: 'outside_window' });
    const kept = await ledger.jobs.get(job.id);
    expect(kept?.state).toBe('PENDING');
    expect(kept?.tasks[0]).toMatchObject({ state: 'SKIPPED', reason: 'outside_window', startedAt: null });
    const { items } = await ledger.audit.list({ limit: 1 }, { entity: 'task' });
    expect(items).toMatchObject([
      { action: 'task.skip', reason: 'outside_window', before: { state: 'PENDING' }, after: { state: 'SKIPPED' } },
    ]);
    expect(await claim(job, 'rebuild')).toEqual({ kind: 'over' });
  });

  it('ends tasks of a cancelled job, those too that were given back after the cancel', async () => {
    const { addJob, claim, cancel, executions, ledger } = await executionsSetup();
    const job = await addJob();
    const claimed = claimedBy(await claim(job, 'rebuild'));
    await cancel(job);
    expect(await claim(job, 'analyse')).toEqual({ kind: 'over' });
    expect(await executions.release(claimed, 'target_busy')).toBe(true);
    expect(await claim(job, 'rebuild')).toEqual({ kind: 'skipped', reason: 'cancelled' });
    const kept = await ledger.jobs.get(job.id);
    expect(kept?.tasks).toMatchObject([
      { state: 'SKIPPED', reason: 'cancelled' },
      { state: 'SKIPPED', reason: 'cancelled' },
    ]);
  });

  it('is over for a stale generation, for what is unknown and for what is no id of ours', async () => {
    const { addJob, claim, executions, everything } = await executionsSetup();
    const job = await addJob();
    const before = await everything();
    expect(await claim(job, 'rebuild', { generation: 0 })).toEqual({ kind: 'over' });
    const forged = [timeOrderedId(noon, randomBytes(10)), randomUUID(), `'; DROP TABLE jobs; --`, ''];
    for (const taskId of forged) {
      const request = {
        taskId,
        generation: 1,
        workerId: 'w1',
        access: 'act',
        leaseLifeMs: 1000,
        workerNow: new Date(),
      } as const;
      expect(await executions.claim(request)).toEqual({ kind: 'over' });
    }
    expect(await everything()).toEqual(before);
  });

  it('ends the task when its target is gone', async () => {
    const { addJob, claim, sql, ledger } = await executionsSetup();
    const job = await addJob();
    await sql`DELETE FROM targets WHERE id = 'shop'`;
    expect(await claim(job, 'rebuild')).toEqual({ kind: 'skipped', reason: 'disabled' });
    expect((await ledger.jobs.get(job.id))?.tasks[0]).toMatchObject({ state: 'SKIPPED', reason: 'disabled' });
  });

  it('lets tasks without needs of one job share the target when they observe', async () => {
    const { addJob, claim, sql } = await executionsSetup();
    const id = timeOrderedId(noon, randomBytes(10));
    const job = await addJob({ id, tasks: free(id) });
    const results = await Promise.all(['rebuild', 'analyse'].map((key) => claim(job, key, { access: 'observe' })));
    expect(results.map(({ kind }) => kind)).toEqual(['claimed', 'claimed']);
    const [started] = await sql`SELECT count(*)::int AS times FROM audit_events WHERE action = 'job.start'`;
    expect(started).toEqual({ times: 1 });
    expect(claimedBy(results[0] ?? { kind: 'over' }).task.id).toBe(taskOf(job, 'rebuild').id);
  });
});

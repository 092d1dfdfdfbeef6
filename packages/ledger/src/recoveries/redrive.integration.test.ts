import { describe, expect, it } from 'vitest';
import { claimedBy, sampleStep } from '../../../../test/support/executions.ts';
import { sampleJob } from '../../../../test/support/ledger-data.ts';
import { recoverySetup, takenBy, unclear } from '../../../../test/support/recoveries.ts';

const done = sampleStep({ key: 'done', position: 0, state: 'SUCCEEDED', percent: 100, finishedAt: new Date(0) });
const inHand = sampleStep({ key: 'in hand', position: 1 });
const waiting = sampleStep({ key: 'waiting', position: 2, state: 'PENDING', percent: null, startedAt: null });

describe('redrive', () => {
  it('puts the task back with one crash more, in the next generation, with the flow in the outbox', async () => {
    const { actions, claim, jobNow, outbox, recoveries, sql, taken: make } = await recoverySetup();
    const { job, taken } = await make();
    expect(await recoveries.redrive(taken, 'worker_lost')).toBe(true);
    const kept = await jobNow(job);
    expect(kept).toMatchObject({ state: 'RUNNING', generation: 2 });
    expect(kept?.tasks[0]).toMatchObject({
      state: 'PENDING',
      crashes: 1,
      attempt: 1,
      reason: 'worker_lost',
      startedAt: null,
      progress: null,
    });
    expect(await outbox()).toEqual([{ kind: 'flow.add', jobId: job.id, generation: 2 }]);
    expect(await sql`SELECT FROM leases`).toHaveLength(0);
    expect(await actions(job)).toEqual(['job.create', 'task.claim', 'job.start', 'task.take_over', 'task.redrive']);
    expect(await claim(job, 'rebuild')).toEqual({ kind: 'over' });
    const again = claimedBy(await claim(job, 'rebuild', { generation: 2 }));
    expect(again).toMatchObject({ fence: taken.fence + 1, task: { crashes: 1 }, job: { generation: 2 } });
  });

  it('keeps what was done, and puts back what was in hand', async () => {
    const { claim, executions, recoveries, taken: make, taskNow } = await recoverySetup();
    const { job, taken } = await make({ steps: [done, inHand, waiting] });
    await recoveries.redrive(taken, 'worker_lost');
    expect((await taskNow(job))?.steps).toEqual([
      done,
      {
        ...inHand,
        state: 'PENDING',
        reason: 'interrupted',
        phase: null,
        percent: null,
        etaSeconds: null,
        startedAt: null,
      },
      { ...waiting, reason: 'interrupted', phase: null, etaSeconds: null },
    ]);
    const again = claimedBy(await claim(job, 'rebuild', { generation: 2 }));
    expect(await executions.listDoneSteps(again)).toEqual(['done']);
  });

  it('leaves no step open that the next attempt found nothing to do for', async () => {
    const { claim, executions, recoveries, taken: make, taskNow } = await recoverySetup();
    const { job, taken } = await make({ steps: [done, inHand, waiting] });
    await recoveries.redrive(taken, 'worker_lost');
    const again = claimedBy(await claim(job, 'rebuild', { generation: 2 }));
    const seenThrough = { ...inHand, state: 'SUCCEEDED', finishedAt: new Date(0) } as const;
    expect(await executions.finish(again, { kind: 'succeeded', result: {} }, [seenThrough])).toBe(true);
    const steps = (await taskNow(job))?.steps.map(({ key, state, reason }) => [key, state, reason]);
    expect(steps).toEqual([
      ['done', 'SUCCEEDED', null],
      ['in hand', 'SUCCEEDED', null],
      ['waiting', 'SKIPPED', 'not_planned_again'],
    ]);
  });

  it('leaves no step open when the task is skipped instead of run again', async () => {
    const { claim, recoveries, sql, taken: make, taskNow } = await recoverySetup();
    const { job, taken } = await make({ steps: [done, inHand, waiting] });
    await recoveries.redrive(taken, 'worker_lost');
    await sql`UPDATE jobs SET cancel_requested_at = now() WHERE id = ${job.id}`;
    expect(await claim(job, 'rebuild', { generation: 2 })).toEqual({ kind: 'skipped', reason: 'cancelled' });
    const task = await taskNow(job);
    expect(task?.steps.map(({ key, state, reason, finishedAt }) => [key, state, reason, finishedAt])).toEqual([
      ['done', 'SUCCEEDED', null, new Date(0)],
      ['in hand', 'SKIPPED', 'cancelled', task?.finishedAt],
      ['waiting', 'SKIPPED', 'cancelled', task?.finishedAt],
    ]);
  });

  it('goes on from the generation that the job has meanwhile', async () => {
    const { jobNow, outbox, recoveries, sql, taken: make } = await recoverySetup();
    const { job, taken } = await make();
    await sql`UPDATE jobs SET generation = 7 WHERE id = ${job.id}`;
    await recoveries.redrive(taken, 'worker_lost');
    expect(await jobNow(job)).toMatchObject({ generation: 8 });
    expect(await outbox()).toEqual([{ kind: 'flow.add', jobId: job.id, generation: 8 }]);
  });

  it('sends nothing out while the job waits for a person: that follows when one has spoken', async () => {
    const { claim, executions, expireLease, jobNow, outbox, recoveries, addJob, takeOver, taskNow } =
      await recoverySetup();
    const { tasks, ...rest } = sampleJob();
    const job = await addJob({ ...rest, tasks: tasks.map((task) => ({ ...task, needs: [] })) });
    const [one, other] = [
      claimedBy(await claim(job, 'rebuild', { access: 'observe' })),
      claimedBy(await claim(job, 'analyse', { access: 'observe' })),
    ];
    await executions.finish(one, { kind: 'needs_operator', error: unclear, result: null }, []);
    await expireLease(other);
    expect(await recoveries.redrive(takenBy(await takeOver(job, 'w2', 'analyse')), 'worker_lost')).toBe(true);
    expect(await jobNow(job)).toMatchObject({ state: 'NEEDS_OPERATOR', generation: 1 });
    expect(await taskNow(job, 'analyse')).toMatchObject({ state: 'PENDING', crashes: 1 });
    expect(await outbox()).toEqual([{ kind: 'flow.remove', jobId: job.id, generation: 1 }]);
  });

  it('is written once', async () => {
    const { jobNow, outbox, recoveries, taken: make } = await recoverySetup();
    const { job, taken } = await make();
    const results = await Promise.all([1, 2, 3].map(() => recoveries.redrive(taken, 'worker_lost')));
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await jobNow(job)).toMatchObject({ generation: 2, tasks: [{ crashes: 1 }, {}] });
    expect(await outbox()).toHaveLength(1);
  });
});

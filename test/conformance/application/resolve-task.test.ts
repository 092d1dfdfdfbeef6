import { AppError, resolveTask } from '@slacktide/application';
import { Job } from '@slacktide/contract';
import type { Resolution } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup, sampleStep, taskOf } from '../../support/executions.ts';
import { sampleClaim, sampleContext, sampleJob } from '../../support/ledger-data.ts';

const unclear = { code: 'outcome_unclear', message: 'nobody can tell', detail: { pid: 4711 } };
const done = sampleStep({ key: 'done', position: 0, state: 'SUCCEEDED', finishedAt: new Date(0) });
const inHand = sampleStep({ key: 'in hand', position: 1, state: 'NEEDS_OPERATOR', phase: null });
const waiting = sampleStep({ key: 'waiting', position: 2, state: 'PENDING', startedAt: null, percent: null });

/** A job whose first task needs an operator; the second needs the first. */
async function setup(changes: Parameters<typeof sampleJob>[0] = {}) {
  const it = await executionsSetup();
  const job = await it.addJob(changes);
  const claimed = claimedBy(await it.claim(job, 'rebuild'));
  await it.executions.finish(claimed, { kind: 'needs_operator', error: unclear, result: { checked: 3 } }, [
    done,
    inHand,
    waiting,
  ]);
  await it.sql`DELETE FROM outbox`;
  const ctx = sampleContext();
  return {
    ...it,
    job,
    ctx,
    resolve: (outcome: Resolution, id = taskOf(job, 'rebuild').id) =>
      resolveTask(it, ctx, { id, outcome, note: 'looked at pg_index' }),
    jobNow: () => it.ledger.jobs.get(job.id),
    outbox: async () => (await it.sql`SELECT message FROM outbox ORDER BY id`).map(({ message }) => message),
  };
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof AppError ? error.code : error),
  );

describe('resolveTask', () => {
  it.each([
    ['succeeded', 'SUCCEEDED', ['SUCCEEDED', 'SUCCEEDED', 'SKIPPED'], null, 100],
    ['failed', 'FAILED', ['SUCCEEDED', 'FAILED', 'SKIPPED'], unclear, null],
    ['rolled_back', 'ROLLED_BACK', ['SUCCEEDED', 'ROLLED_BACK', 'SKIPPED'], null, null],
  ] as const)(
    'as %s ends the task with its steps, and tells who said so and why',
    async (outcome, state, steps, error, progress) => {
      const { ctx, jobNow, resolve } = await setup({ haltOnTaskFailure: false });
      const answer = await resolve(outcome);
      expect(Job.parse(answer)).toEqual(answer);
      const [task] = (await jobNow())?.tasks ?? [];
      expect(task).toMatchObject({ state, error, progress, finishedAt: expect.any(Date) });
      expect(task?.steps.map((step) => step.state)).toEqual(steps);
      expect(task?.result).toEqual({
        checked: 3,
        resolution: { outcome, note: 'looked at pg_index', by: ctx.actor.name, at: expect.any(String), unclear },
      });
    },
  );

  it('lets the job go on in its next generation, with its next task', async () => {
    const { claim, executions, job, jobNow, ledger, outbox, resolve } = await setup();
    await resolve('succeeded');
    expect(await jobNow()).toMatchObject({ state: 'RUNNING', generation: 2, halted: false });
    expect(await outbox()).toEqual([{ kind: 'flow.add', jobId: job.id, generation: 2 }]);
    expect(await claim(job, 'analyse')).toEqual({ kind: 'over' });
    const next = claimedBy(await claim(job, 'analyse', { generation: 2 }));
    await executions.finish(next, { kind: 'succeeded', result: {} }, []);
    expect(await executions.finalise({ jobId: job.id, generation: 2 })).toMatchObject({ state: 'SUCCEEDED' });

    const { items } = await ledger.audit.list({ limit: 20 }, { actor: 'api_key:tester' });
    expect(items.slice(0, 2)).toMatchObject([
      {
        action: 'job.resume',
        before: { state: 'NEEDS_OPERATOR', generation: 1 },
        after: { state: 'RUNNING', generation: 2 },
      },
      {
        action: 'task.resolve',
        reason: 'looked at pg_index',
        before: { state: 'NEEDS_OPERATOR' },
        after: { state: 'SUCCEEDED', outcome: 'succeeded' },
      },
    ]);
  });

  it.each(['failed', 'rolled_back'] as const)('as %s halts the job where it is to halt', async (outcome) => {
    const { claim, executions, job, jobNow, ledger, resolve } = await setup({ haltOnTaskFailure: true });
    await resolve(outcome);
    expect(await jobNow()).toMatchObject({ state: 'RUNNING', halted: true });
    expect(await claim(job, 'analyse', { generation: 2 })).toEqual({ kind: 'skipped', reason: 'halted' });
    expect(await executions.finalise({ jobId: job.id, generation: 2 })).toMatchObject({
      state: outcome === 'failed' ? 'FAILED' : 'ROLLED_BACK',
    });
    expect((await ledger.audit.list({ limit: 5 }, { action: 'job.halt' })).items).toMatchObject([
      { entityId: job.id, before: { halted: false }, after: { halted: true } },
    ]);
  });

  it('to run again makes it as good as new, but for what was done', async () => {
    const { claim, executions, job, jobNow, outbox, resolve } = await setup();
    await resolve('retry');
    const [task] = (await jobNow())?.tasks ?? [];
    expect(task).toMatchObject({
      state: 'PENDING',
      error: null,
      result: null,
      progress: null,
      crashes: 0,
      startedAt: null,
      finishedAt: null,
    });
    expect(task?.steps.map(({ state }) => state)).toEqual(['SUCCEEDED', 'PENDING', 'PENDING']);
    expect(await outbox()).toEqual([{ kind: 'flow.add', jobId: job.id, generation: 2 }]);
    const again = claimedBy(await claim(job, 'rebuild', { generation: 2 }));
    expect(await executions.listDoneSteps(again)).toEqual(['done']);
  });

  it('ends the job when nothing of it is left', async () => {
    const { cancel, executions, job, outbox, resolve } = await setup();
    await cancel(job);
    await resolve('succeeded');
    expect(await outbox()).toEqual([{ kind: 'job.finalise', jobId: job.id, generation: 2 }]);
    expect(await executions.finalise({ jobId: job.id, generation: 2 })).toMatchObject({ state: 'CANCELLED' });
  });

  it('lets the job wait on while another task of it needs an operator', async () => {
    const it = await executionsSetup();
    const sample = sampleJob();
    const job = await it.addJob({ ...sample, tasks: sample.tasks.map((task) => ({ ...task, needs: [] })) });
    const claims = [
      claimedBy(await it.claim(job, 'rebuild', { access: 'observe' })),
      claimedBy(await it.claim(job, 'analyse', { access: 'observe' })),
    ];
    for (const claimed of claims) {
      await it.executions.finish(claimed, { kind: 'needs_operator', error: unclear, result: null }, []);
    }
    const resolve = (key: string, outcome: Resolution) =>
      resolveTask(it, sampleContext(), { id: taskOf(job, key).id, outcome, note: 'looked' });
    expect(await resolve('rebuild', 'failed')).toMatchObject({ state: 'NEEDS_OPERATOR', generation: 1 });
    expect(await it.ledger.jobs.get(job.id)).toMatchObject({ halted: true });
    expect(await resolve('analyse', 'succeeded')).toMatchObject({ state: 'RUNNING', generation: 2 });
    const messages = await it.sql`SELECT message FROM outbox ORDER BY id`;
    expect(messages.map(({ message }) => message)).toEqual([
      { kind: 'flow.remove', jobId: job.id, generation: 1 },
      { kind: 'job.finalise', jobId: job.id, generation: 2 },
    ]);
  });

  it('is done once, by whoever comes first', async () => {
    const { jobNow, ledger, outbox, resolve } = await setup();
    const answers = await Promise.all([
      refusal(resolve('succeeded')),
      refusal(resolve('failed')),
      refusal(resolve('retry')),
    ]);
    expect(answers.filter((code) => code === undefined)).toHaveLength(1);
    expect(answers.filter((code) => code === 'conflict')).toHaveLength(2);
    expect(await jobNow()).toMatchObject({ generation: 2 });
    expect(await outbox()).toHaveLength(1);
    expect((await ledger.audit.list({ limit: 5 }, { action: 'task.resolve' })).items).toHaveLength(1);
  });

  it('under one key is done once, and answers as the first time', async () => {
    const it = await setup();
    const ctx = { ...it.ctx, idempotency: { ...sampleClaim('once'), route: 'POST /tasks' } };
    const input = { id: taskOf(it.job, 'rebuild').id, outcome: 'succeeded', note: 'looked' } as const;
    const first = await resolveTask(it, ctx, input);
    expect(await resolveTask(it, ctx, input)).toEqual(first);
    expect(await it.jobNow()).toMatchObject({ generation: 2 });
  });

  it('refuses a task that needs none, and one that there is not', async () => {
    const { everything, job, resolve } = await setup();
    const before = await everything();
    expect(await refusal(resolve('succeeded', taskOf(job, 'analyse').id))).toBe('conflict');
    for (const id of ['nonsense', '019aa000-0000-7000-8000-000000000000', job.id]) {
      expect(await refusal(resolve('succeeded', id))).toBe('not_found');
    }
    expect(await everything()).toEqual(before);
  });
});

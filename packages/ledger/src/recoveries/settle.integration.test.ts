import type { TaskOutcome } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { claimedBy, sampleStep } from '../../../../test/support/executions.ts';
import { recoverySetup, unclear } from '../../../../test/support/recoveries.ts';

const quarantined = { code: 'quarantined', message: 'two workers were lost over it' };

describe('settle', () => {
  it.each<[TaskOutcome, string, string]>([
    [{ kind: 'succeeded', result: { indexes: 1 } }, 'SUCCEEDED', 'task.succeed'],
    [{ kind: 'failed', error: quarantined, result: {} }, 'FAILED', 'task.fail'],
    [{ kind: 'cancelled', result: null }, 'CANCELLED', 'task.cancel'],
    [{ kind: 'rolled_back', result: { dropped: 'scratch' } }, 'ROLLED_BACK', 'task.roll_back'],
  ])('ends the task, one crash more: %j', async (outcome, state, action) => {
    const { actions, jobNow, outbox, recoveries, sql, taken: make, taskNow } = await recoverySetup();
    const { job, taken } = await make({ haltOnTaskFailure: false });
    expect(await recoveries.settle(taken, outcome, [])).toBe(true);
    expect(await taskNow(job)).toMatchObject({
      state,
      crashes: 1,
      attempt: 1,
      result: outcome.result,
      error: 'error' in outcome ? outcome.error : null,
      finishedAt: expect.any(Date),
    });
    expect(await jobNow(job)).toMatchObject({ state: 'RUNNING', halted: false, generation: 1 });
    expect((await actions(job)).at(-1)).toBe(action);
    expect(await sql`SELECT recovery_attempts FROM tasks WHERE id = ${taken.task.id}`).toEqual([
      { recovery_attempts: 0 },
    ]);
    expect([await outbox(), await sql`SELECT FROM leases`]).toMatchObject([[], []]);
    expect(await recoveries.settle(taken, outcome, [])).toBe(false);
    expect(await taskNow(job)).toMatchObject({ crashes: 1 });
  });

  it('halts the job where it is to halt, when its work had to be taken back, too', async () => {
    const { claim, executions, recoveries, taken: make } = await recoverySetup();
    const { job, taken } = await make({ haltOnTaskFailure: true });
    await recoveries.settle(taken, { kind: 'rolled_back', result: null }, []);
    expect(await claim(job, 'analyse')).toEqual({ kind: 'skipped', reason: 'halted' });
    expect(await executions.finalise({ jobId: job.id, generation: 1 })).toMatchObject({ state: 'ROLLED_BACK' });
  });
});

describe('an unclear outcome', () => {
  const needsOperator: TaskOutcome = { kind: 'needs_operator', error: unclear, result: null };
  const inHand = sampleStep({ state: 'NEEDS_OPERATOR' });

  it('makes the job wait for a person with its task: no other of it begins, and its flow goes', async () => {
    const { actions, claim, executions, jobNow, outbox, recoveries, sql, taken: make } = await recoverySetup();
    const { job, taken } = await make();
    expect(await recoveries.settle(taken, needsOperator, [inHand])).toBe(true);
    const kept = await jobNow(job);
    expect(kept).toMatchObject({ state: 'NEEDS_OPERATOR', generation: 1, finishedAt: null, halted: false });
    expect(kept?.tasks).toMatchObject([
      { state: 'NEEDS_OPERATOR', error: unclear, crashes: 1, finishedAt: null, steps: [inHand] },
      { state: 'PENDING' },
    ]);
    expect(await outbox()).toEqual([{ kind: 'flow.remove', jobId: job.id, generation: 1 }]);
    expect(await sql`SELECT FROM leases`).toHaveLength(0);
    expect((await actions(job)).slice(-2)).toEqual(['task.need_operator', 'job.need_operator']);
    for (const key of ['rebuild', 'analyse']) {
      expect(await claim(job, key)).toEqual({ kind: 'not_yet', reason: 'needs_operator' });
    }
    expect(await executions.finalise({ jobId: job.id, generation: 1 })).toEqual({ kind: 'not_yet' });
  });

  it('leaves the target to others', async () => {
    const { addJob, claim, recoveries, taken: make } = await recoverySetup();
    const { taken } = await make();
    await recoveries.settle(taken, needsOperator, []);
    claimedBy(await claim(await addJob(), 'rebuild'));
  });

  it('may be told by the worker itself, which died of nothing', async () => {
    const { addJob, claim, executions, jobNow } = await recoverySetup();
    const job = await addJob();
    const claimed = claimedBy(await claim(job, 'rebuild'));
    expect(await executions.finish(claimed, needsOperator, [])).toBe(true);
    expect(await jobNow(job)).toMatchObject({ state: 'NEEDS_OPERATOR', tasks: [{ crashes: 0 }, {}] });
    expect(await executions.finish(claimed, needsOperator, [])).toBe(false);
  });

  it('still lets somebody cancel what has not begun', async () => {
    const { cancel, jobNow, recoveries, taken: make } = await recoverySetup();
    const { job, taken } = await make();
    await recoveries.settle(taken, needsOperator, []);
    await cancel(job);
    expect(await jobNow(job)).toMatchObject({
      state: 'NEEDS_OPERATOR',
      cancelRequestedAt: expect.any(Date),
      tasks: [{ state: 'NEEDS_OPERATOR' }, { state: 'SKIPPED', reason: 'cancelled' }],
    });
  });
});

describe('remnants', () => {
  it('are listed until they are closed, the oldest first, with the type of their task', async () => {
    const { addJob, claim, connection } = await recoverySetup();
    const { remnants } = connection;
    const claimed = claimedBy(await claim(await addJob(), 'rebuild'));
    const elsewhere = claimedBy(await claim(await addJob({ targetId: 'stock' }), 'rebuild'));
    const one = await remnants.record(claimed, { kind: 'index', proof: { index: 'a', before: [1, 2] } });
    const two = await remnants.record(claimed, { kind: 'database', proof: { database: 'scratch' } });
    await remnants.record(elsewhere, { kind: 'index', proof: {} });
    expect(await remnants.listOpen('shop')).toEqual([one, two]);
    expect(one).toMatchObject({
      targetId: 'shop',
      taskId: claimed.task.id,
      taskType: 'INDEX_REBUILD',
      fence: claimed.fence,
    });
    await remnants.close(one?.id ?? 0, 'swept', 'dropped a_ccnew');
    expect(await remnants.listOpen('shop')).toEqual([two]);
  });

  it('keep the first word about how they ended', async () => {
    const { addJob, claim, connection, sql } = await recoverySetup();
    const claimed = claimedBy(await claim(await addJob(), 'rebuild'));
    const made = await connection.remnants.record(claimed, { kind: 'index', proof: {} });
    await connection.remnants.close(made?.id ?? 0, 'swept', 'dropped');
    await connection.remnants.close(made?.id ?? 0, 'absent', null);
    expect(await sql`SELECT outcome, note FROM remnants`).toMatchObject([{ outcome: 'swept', note: 'dropped' }]);
  });

  it('stay known, and whose they are, when their task is gone from history', async () => {
    const { addJob, claim, connection, sql } = await recoverySetup();
    const claimed = claimedBy(await claim(await addJob(), 'rebuild'));
    await connection.remnants.record(claimed, { kind: 'index', proof: {} });
    await sql`DELETE FROM leases`;
    // As the release before wrote them, and with their task gone.
    await sql`INSERT INTO remnants (target_id, task_id, fence, kind, proof) VALUES ('stock', ${claimed.task.id}, 1, 'index', '{}')`;
    expect(await connection.remnants.listOpen('stock')).toMatchObject([{ taskType: 'INDEX_REBUILD' }]);
    await sql`DELETE FROM tasks WHERE job_id = ${claimed.job.id}`;
    expect(await connection.remnants.listOpen('shop')).toMatchObject([
      { taskId: claimed.task.id, taskType: 'INDEX_REBUILD' },
    ]);
    expect(await connection.remnants.listOpen('stock')).toMatchObject([{ taskType: null }]);
  });
});

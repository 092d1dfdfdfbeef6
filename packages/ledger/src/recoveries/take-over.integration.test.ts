import type { TaskOutcome } from '@slacktide/application/ports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { claimedBy, sampleStep, taskOf } from '../../../../test/support/executions.ts';
import { sampleJob } from '../../../../test/support/ledger-data.ts';
import { intent, recoverySetup, takenBy, types, unclear } from '../../../../test/support/recoveries.ts';
import { connectLedger } from '../connect.ts';
import { openPool } from '../sql.ts';
import { expiredTasks } from './list-expired.ts';

describe('listExpired', () => {
  it('lists running tasks whose lease ran out or is gone, of the types asked for, the oldest first', async () => {
    const { claim, addJob, expired, interrupted, recoveries, sql } = await recoverySetup();
    const first = await interrupted();
    const second = await interrupted({ targetId: 'stock' });
    expect(await expired()).toEqual([first.claimed.task.id, second.claimed.task.id].sort());
    for (const { expiredForMs } of await recoveries.listExpired({ types, limit: 10 })) {
      expect(expiredForMs).toBeGreaterThanOrEqual(999);
    }
    await sql`DELETE FROM leases WHERE task_id = ${second.claimed.task.id}`;
    expect(await expired()).toHaveLength(2);
    expect(await recoveries.listExpired({ types: ['STATISTICS_UPDATE'], limit: 10 })).toEqual([]);
    const [only, ...others] = await recoveries.listExpired({ types, limit: 1 });
    expect(others).toEqual([]);
    expect(only).toMatchObject({ type: 'INDEX_REBUILD', access: 'act' });

    await sql`UPDATE leases SET expires_at = now() + interval '1 minute'`;
    await sql`UPDATE tasks SET state = 'PENDING' WHERE id = ${second.claimed.task.id}`;
    claimedBy(await claim(await addJob({ targetId: 'stock' }), 'rebuild'));
    expect(await expired()).toEqual([]);
  });

  it('leaves out what needs a target in use, however much there is of it, and nothing else', async () => {
    const { addJob, claim, executions, expired, expireLease, interrupted, recoveries } = await recoverySetup();
    // The oldest, so that it comes first in the list.
    const acted = await interrupted({ scheduledFor: new Date('2026-11-22T11:00:00.000Z') });
    const silent = await addJob();
    const untouched = claimedBy(await claim(silent, 'rebuild', { access: 'observe' }));
    await expireLease(untouched);
    const elsewhere = await interrupted({ targetId: 'stock' });
    const holder = claimedBy(await claim(await addJob(), 'rebuild'));
    expect((await expired()).toSorted()).toEqual([untouched.task.id, elsewhere.claimed.task.id].toSorted());
    expect(await recoveries.listExpired({ types, limit: 1 })).not.toMatchObject([{ taskId: acted.claimed.task.id }]);
    await executions.finish(holder, { kind: 'succeeded', result: {} }, []);
    expect(await expired()).toHaveLength(3);
  });

  it('counts from the moment at which the lease ran out, though another claim removed it', async () => {
    const { addJob, claim, executions, interrupted, recoveries, sql } = await recoverySetup();
    const { claimed } = await interrupted();
    await sql`UPDATE tasks SET started_at = now() - interval '1 hour' WHERE id = ${claimed.task.id}`;
    const other = claimedBy(await claim(await addJob(), 'rebuild'));
    await executions.finish(other, { kind: 'succeeded', result: {} }, []);
    const [only] = await recoveries.listExpired({ types, limit: 10 });
    expect(only?.expiredForMs).toBeGreaterThanOrEqual(20_000);
    expect(only?.expiredForMs).toBeLessThan(600_000);
  });

  it('is answered from the index of what runs, however long the history', async () => {
    const { addJob, databaseUrl } = await recoverySetup();
    await addJob();
    const pool = openPool({ databaseUrl, applicationName: 'test', maxConnections: 1 });
    onTestFinished(() => pool.end({ timeout: 5 }));
    await pool`SET enable_seqscan = off`;
    const plan = await pool`EXPLAIN ${expiredTasks(pool, { types, limit: 10 })}`;
    const text = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).toMatch(/Index Scan using tasks_\d+_id_idx/);
    expect(text).not.toMatch(/Seq Scan on tasks/);
  });
});

describe('takeOver', () => {
  it('gives the next fence and a lease, and everything the ledger knows', async () => {
    const { connection, interrupted, takeOver, sql, ledger } = await recoverySetup();
    const { job, claimed } = await interrupted();
    await sql`UPDATE leases SET expires_at = now() + interval '1 minute'`;
    const remnant = await connection.remnants.record(claimed, { kind: 'index', proof: { index: 'orders_pkey' } });
    await sql`UPDATE leases SET expires_at = now() - interval '5 seconds'`;
    const taken = takenBy(await takeOver(job));
    expect(taken).toMatchObject({
      job: { id: job.id, state: 'RUNNING' },
      task: { id: claimed.task.id, state: 'RUNNING', attempt: 1, crashes: 0, progress: 40 },
      target: { id: 'shop' },
      access: 'act',
      fence: claimed.fence + 1,
      workerId: 'w2',
      intent: { ...intent, at: expect.any(Date) },
      previousFence: claimed.fence,
      previousWorkerId: 'w1',
      steps: [sampleStep()],
      remnants: [remnant],
    });
    expect(taken.expiredForMs).toBeGreaterThanOrEqual(5_000);
    expect(taken.expiredForMs).toBeLessThan(60_000);
    expect(await sql`SELECT task_id, target_id, worker_id, fence::int, expires_at > now() AS live FROM leases`).toEqual(
      [{ task_id: claimed.task.id, target_id: 'shop', worker_id: 'w2', fence: taken.fence, live: true }],
    );
    const { items } = await ledger.audit.list({ limit: 1 }, { action: 'task.take_over' });
    expect(items).toMatchObject([
      {
        actor: 'worker:w2',
        before: { state: 'RUNNING', worker: 'w1', fence: claimed.fence },
        after: { state: 'RUNNING', worker: 'w2', fence: taken.fence },
      },
    ]);
  });

  it('knows that nothing was done where no intent was written', async () => {
    const { addJob, claim, expireLease, takeOver } = await recoverySetup();
    const job = await addJob();
    await expireLease(claimedBy(await claim(job, 'rebuild')));
    expect(takenBy(await takeOver(job))).toMatchObject({ intent: null, steps: [], remnants: [] });
  });

  it('takes a task whose lease another claim has removed, once the target is free', async () => {
    const { addJob, claim, executions, interrupted, sql, takeOver } = await recoverySetup();
    const { job, claimed } = await interrupted();
    const [{ expires_at: ranOutAt }] = (await sql`SELECT expires_at FROM leases`) as [{ expires_at: Date }];
    const other = claimedBy(await claim(await addJob(), 'rebuild'));
    expect(await takeOver(job)).toEqual({ kind: 'target_busy' });
    await executions.finish(other, { kind: 'succeeded', result: {} }, []);
    const taken = takenBy(await takeOver(job));
    expect(taken).toMatchObject({ fence: other.fence + 1, previousFence: claimed.fence });
    expect(taken.expiredAt).toEqual(ranOutAt);
  });

  it.each(['act', 'observe'] as const)(
    'waits for nobody where there is nothing to look at on the target: %s',
    async (access) => {
      const { addJob, claim, executions, expireLease, recoveries, sql, takeOver, taskNow } = await recoverySetup();
      const job = await addJob();
      await expireLease(claimedBy(await claim(job, 'rebuild', { access })));
      const other = claimedBy(await claim(await addJob(), 'rebuild'));
      const taken = takenBy(await takeOver(job));
      expect(taken).toMatchObject({ access, intent: null, fence: other.fence + 1 });
      expect(await sql`SELECT fence::int FROM leases WHERE expires_at > now()`).toEqual([{ fence: other.fence }]);
      expect(await takeOver(job, 'w3')).toEqual({ kind: 'not_expired' });
      expect(await recoveries.redrive(taken, 'worker_lost')).toBe(true);
      expect(await taskNow(job)).toMatchObject({ state: 'PENDING' });
      expect(await executions.renew(other, 60_000)).toMatchObject({ kind: 'held' });
      expect(await executions.finish(other, { kind: 'succeeded', result: {} }, [])).toBe(true);
    },
  );

  it('knows when the lease ran out, though a take-over of another task removed it; a new claim begins without', async () => {
    const { addJob, claim, expireLease, recoveries, sql, takeOver } = await recoverySetup();
    const { tasks, ...rest } = sampleJob();
    const job = await addJob({ ...rest, tasks: tasks.map((task) => ({ ...task, needs: [] })) });
    const one = claimedBy(await claim(job, 'rebuild', { access: 'observe' }));
    await expireLease(claimedBy(await claim(job, 'analyse', { access: 'observe' })));
    await expireLease(one);
    const leaseOf = sql`SELECT expires_at FROM leases WHERE task_id = ${one.task.id}`;
    const [{ expires_at: ranOutAt }] = (await leaseOf) as unknown as [{ expires_at: Date }];
    takenBy(await takeOver(job, 'w2', 'analyse'));
    await sql`UPDATE tasks SET started_at = now() - interval '1 hour'`;
    const taken = takenBy(await takeOver(job));
    expect(taken.expiredAt).toEqual(ranOutAt);

    await recoveries.redrive(taken, 'worker_lost');
    claimedBy(await claim(job, 'rebuild', { generation: 2, access: 'observe' }));
    expect(await sql`SELECT lease_expired_at, recovery_attempts FROM tasks WHERE id = ${one.task.id}`).toEqual([
      { lease_expired_at: null, recovery_attempts: 0 },
    ]);
  });

  it('counts take-overs until one comes to an orderly end', async () => {
    const { expireLease, interrupted, recoveries, sql, takeOver } = await recoverySetup();
    const { job } = await interrupted();
    const first = takenBy(await takeOver(job));
    await expireLease(first);
    const second = takenBy(await takeOver(job, 'w3'));
    expect([first.attempts, second.attempts]).toEqual([1, 2]);
    await recoveries.postpone(second, 'session_still_running', 0);
    const third = takenBy(await takeOver(job));
    expect(third.attempts).toBe(1);
    await recoveries.redrive(third, 'worker_lost');
    const attempts = await sql`SELECT recovery_attempts FROM tasks WHERE id = ${third.task.id}`;
    expect(attempts).toEqual([{ recovery_attempts: 0 }]);
  });

  it('counts them where there is nothing to look at, too', async () => {
    const { addJob, claim, expireLease, sql, takeOver } = await recoverySetup();
    const job = await addJob();
    await expireLease(claimedBy(await claim(job, 'rebuild')));
    expect(takenBy(await takeOver(job)).attempts).toBe(1);
    await sql`UPDATE tasks SET recover_after = NULL`;
    expect(takenBy(await takeOver(job)).attempts).toBe(2);
  });

  it('waits for who observes, where there is something to look at', async () => {
    const { addJob, claim, interrupted, takeOver } = await recoverySetup();
    const { job } = await interrupted();
    claimedBy(await claim(await addJob(), 'rebuild', { access: 'observe' }));
    expect(await takeOver(job)).toEqual({ kind: 'target_busy' });
  });

  it.each([
    ['that waits', async (it: Awaited<ReturnType<typeof recoverySetup>>) => await it.addJob()],
    [
      'whose lease lives',
      async (it: Awaited<ReturnType<typeof recoverySetup>>) => {
        const job = await it.addJob();
        claimedBy(await it.claim(job, 'rebuild'));
        return job;
      },
    ],
    [
      'whose lease was renewed after all',
      async (it: Awaited<ReturnType<typeof recoverySetup>>) => {
        const { job, claimed } = await it.interrupted();
        await it.executions.renew(claimed, 60_000);
        return job;
      },
    ],
    [
      'that is over',
      async (it: Awaited<ReturnType<typeof recoverySetup>>) => {
        const { job, claimed } = await it.interrupted();
        await it.executions.finish(claimed, { kind: 'succeeded', result: {} }, []);
        return job;
      },
    ],
  ])('takes no task %s', async (_, make) => {
    const it = await recoverySetup();
    const job = await make(it);
    const before = await it.everything();
    expect(await it.takeOver(job)).toEqual({ kind: 'not_expired' });
    expect(await it.everything()).toEqual(before);
  });

  it('takes nothing that there is not', async () => {
    const { recoveries } = await recoverySetup();
    for (const taskId of ['nonsense', '019aa000-0000-7000-8000-000000000000']) {
      expect(await recoveries.takeOver({ taskId, workerId: 'w2', leaseLifeMs: 1 })).toEqual({ kind: 'not_expired' });
    }
  });

  it('has one winner among many', async () => {
    const { databaseUrl, interrupted } = await recoverySetup();
    const processes = [1, 2, 3].map(() =>
      connectLedger({ databaseUrl, applicationName: 'process', maxConnections: 3 }),
    );
    onTestFinished(() => Promise.all(processes.map((each) => each.close())).then(() => undefined));
    for (let round = 0; round < 5; round += 1) {
      const { job, claimed } = await interrupted();
      const results = await Promise.all(
        Array.from({ length: 9 }, (_, at) =>
          processes[at % 3]?.recoveries.takeOver({
            taskId: taskOf(job, 'rebuild').id,
            workerId: `w${at}`,
            leaseLifeMs: 60_000,
          }),
        ),
      );
      const taken = results.flatMap((result) => (result?.kind === 'taken' ? [result.taken] : []));
      expect(taken.map(({ fence }) => fence)).toEqual([claimed.fence + 1]);
      const [winner] = taken;
      expect(winner && (await processes[0]?.recoveries.redrive(winner, 'worker_lost'))).toBe(true);
    }
  });

  it('has one winner when it races with a renewal of the old claim', async () => {
    const { executions, interrupted, takeOver, sql } = await recoverySetup();
    for (let round = 0; round < 10; round += 1) {
      const { job, claimed } = await interrupted();
      const [renewal, takeover] = await Promise.all([executions.renew(claimed, 60_000), takeOver(job)]);
      expect([renewal.kind, takeover.kind]).toEqual(
        renewal.kind === 'held' ? ['held', 'not_expired'] : ['lost', 'taken'],
      );
      await sql`DELETE FROM leases`;
    }
  });

  it('has one winner when it races with a claim of another task on the target', async () => {
    const { addJob, claim, interrupted, takeOver, sql } = await recoverySetup();
    for (let round = 0; round < 10; round += 1) {
      const { job } = await interrupted();
      const next = await addJob();
      const [claimed, takeover] = await Promise.all([claim(next, 'rebuild'), takeOver(job)]);
      expect([claimed.kind, takeover.kind]).toEqual(
        claimed.kind === 'claimed' ? ['claimed', 'target_busy'] : ['not_yet', 'taken'],
      );
      await sql`DELETE FROM leases`;
    }
  });
});

describe('a claim that was taken over', () => {
  it('writes nothing any more, whatever its worker tries when it comes back to life', async () => {
    const { connection, executions, everything, interrupted, takeOver } = await recoverySetup();
    const { job, claimed } = await interrupted();
    takenBy(await takeOver(job));
    const before = await everything();
    const outcomes: readonly TaskOutcome[] = [
      { kind: 'succeeded', result: {} },
      { kind: 'failed', error: unclear, result: null },
      { kind: 'needs_operator', error: unclear, result: null },
      { kind: 'rolled_back', result: null },
    ];
    for (const outcome of outcomes) expect(await executions.finish(claimed, outcome, [sampleStep()])).toBe(false);
    expect(await executions.renew(claimed, 60_000)).toEqual({ kind: 'lost' });
    expect(await executions.recordIntent(claimed, intent)).toBe(false);
    expect(await executions.recordProgress(claimed, { steps: [sampleStep({ percent: 99 })], percent: 99 })).toBe(false);
    expect(await executions.release(claimed, 'draining')).toBe(false);
    expect(await executions.gate(claimed)).toMatchObject({ kind: 'closed' });
    expect(await connection.remnants.record(claimed, { kind: 'index', proof: {} })).toBeUndefined();
    expect(await everything()).toEqual(before);
  });

  it('leaves one end when the old worker finishes at the moment of the take-over', async () => {
    const { executions, interrupted, takeOver, taskNow } = await recoverySetup();
    for (let round = 0; round < 10; round += 1) {
      const { job, claimed } = await interrupted();
      const [finished, takeover] = await Promise.all([
        executions.finish(claimed, { kind: 'succeeded', result: {} }, []),
        takeOver(job),
      ]);
      expect([finished, takeover.kind]).toEqual(finished ? [true, 'not_expired'] : [false, 'taken']);
      if (takeover.kind === 'taken') await executions.finish(takeover.taken, { kind: 'succeeded', result: {} }, []);
      expect(await taskNow(job)).toMatchObject({ state: 'SUCCEEDED' });
    }
  });
});

describe('postpone', () => {
  it('frees the target, keeps everybody from the task until its time, and the moment at which the lease ran out', async () => {
    const { addJob, claim, executions, expired, interrupted, recoveries, sql, takeOver, taskNow } =
      await recoverySetup();
    const { job } = await interrupted();
    const taken = takenBy(await takeOver(job));
    expect(await recoveries.postpone(taken, 'session_still_running', 60_000)).toBe(true);
    expect(await taskNow(job)).toMatchObject({ state: 'RUNNING', reason: 'session_still_running', crashes: 0 });
    expect([await takeOver(job), await expired()]).toEqual([{ kind: 'not_expired' }, []]);
    expect(await executions.renew(taken, 60_000)).toEqual({ kind: 'lost' });
    expect(await recoveries.postpone(taken, 'again', 0)).toBe(false);
    expect(await recoveries.redrive(taken, 'worker_lost')).toBe(false);
    expect(await recoveries.settle(taken, { kind: 'succeeded', result: {} }, [])).toBe(false);

    await sql`UPDATE tasks SET recover_after = now() WHERE recover_after IS NOT NULL`;
    expect(await expired()).toHaveLength(1);
    const again = takenBy(await takeOver(job, 'w3'));
    expect(again.expiredAt).toEqual(taken.expiredAt);
    expect(again).toMatchObject({ fence: taken.fence + 1, previousWorkerId: 'w2', intent });
    await recoveries.postpone(again, 'session_still_running', 60_000);
    claimedBy(await claim(await addJob(), 'rebuild'));
  });
});

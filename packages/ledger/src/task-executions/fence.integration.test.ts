import type { ClaimedTask, TaskExecutions } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup, sampleStep } from '../../../../test/support/executions.ts';

const intent = {
  pid: 4711,
  backendStart: '2026-11-22 12:00:00.123456+00',
  applicationName: 'slacktide/task/1',
  epoch: { systemIdentifier: '7', postmasterStart: '2026-11-01 00:00:00.000001+00', timeline: '1' },
};
const error = { code: 'boom', message: 'boom' };

/** Every write that needs a claim, and what it says when the claim is gone. */
function writes(executions: TaskExecutions, claimed: ClaimedTask): [string, () => Promise<unknown>, unknown][] {
  const samples = [{ metric: 'database_size_bytes', object: null, values: { bytes: 1 } }];
  return [
    ['renew', () => executions.renew(claimed, 60_000), { kind: 'lost' }],
    ['recordIntent', () => executions.recordIntent(claimed, intent), false],
    ['recordProgress', () => executions.recordProgress(claimed, { steps: [sampleStep()], percent: 50 }), false],
    ['recordSamples', () => executions.recordSamples(claimed, samples), false],
    ['release', () => executions.release(claimed, 'target_busy'), false],
    ['finish', () => executions.finish(claimed, { kind: 'succeeded', result: {} }, [sampleStep()]), false],
    ['finish as failed', () => executions.finish(claimed, { kind: 'failed', error, result: null }, []), false],
    ['gate', () => executions.gate(claimed), { kind: 'closed', reason: 'target_busy' }],
  ];
}

describe('a claim whose lease ran out', () => {
  it('writes nothing once another task was claimed on the target', async () => {
    const { addJob, claim, expireLease, executions, everything } = await executionsSetup();
    const stale = claimedBy(await claim(await addJob(), 'rebuild', { workerId: 'w1' }));
    await executions.recordIntent(stale, intent);
    await expireLease(stale);
    const current = claimedBy(await claim(await addJob(), 'rebuild', { workerId: 'w2' }));
    expect(current.fence).toBe(stale.fence + 1);

    const before = await everything();
    for (const [name, write, refusal] of writes(executions, stale)) {
      expect([name, await write()]).toEqual([name, refusal]);
    }
    expect(await everything()).toEqual(before);
    expect(await executions.renew(current, 60_000)).toEqual({ kind: 'held', cancelRequested: false });
  });

  it('ends too when somebody merely observes the target next', async () => {
    const { addJob, claim, expireLease, executions } = await executionsSetup();
    const stale = claimedBy(await claim(await addJob(), 'rebuild'));
    await expireLease(stale);
    await claim(await addJob(), 'rebuild', { access: 'observe' });
    expect(await executions.renew(stale, 60_000)).toEqual({ kind: 'lost' });
    expect(await executions.finish(stale, { kind: 'succeeded', result: {} }, [])).toBe(false);
  });

  it('can be renewed while nobody took the target, and keeps others out again', async () => {
    const { addJob, claim, expireLease, executions } = await executionsSetup();
    const claimed = claimedBy(await claim(await addJob(), 'rebuild'));
    await expireLease(claimed);
    expect(await executions.renew(claimed, 60_000)).toEqual({ kind: 'held', cancelRequested: false });
    expect(await claim(await addJob(), 'rebuild')).toEqual({ kind: 'not_yet', reason: 'target_busy' });
  });

  it('keeps its target for recovery at first, from others who would act', async () => {
    const { addJob, claim, expireLease, sql } = await executionsSetup();
    const slow = claimedBy(await claim(await addJob(), 'rebuild'));
    await expireLease(slow);
    await sql`UPDATE leases SET expires_at = now() - interval '5 seconds'`;
    const next = await addJob();
    expect(await claim(next, 'rebuild')).toEqual({ kind: 'not_yet', reason: 'target_busy' });
    await expireLease(slow);
    expect(await claim(next, 'rebuild')).toMatchObject({ kind: 'claimed' });
  });

  it('keeps nothing for recovery where it only observed', async () => {
    const { addJob, claim, sql } = await executionsSetup();
    claimedBy(await claim(await addJob(), 'rebuild', { access: 'observe' }));
    await sql`UPDATE leases SET expires_at = now() - interval '1 second'`;
    expect(await claim(await addJob(), 'rebuild')).toMatchObject({ kind: 'claimed' });
  });

  it('has one winner when renewal and takeover race', async () => {
    const { addJob, claim, expireLease, executions, sql } = await executionsSetup();
    for (let round = 1; round <= 10; round += 1) {
      const slow = claimedBy(await claim(await addJob(), 'rebuild', { workerId: 'slow' }));
      await expireLease(slow);
      const [renewal, takeover] = await Promise.all([
        executions.renew(slow, 60_000),
        addJob().then((next) => claim(next, 'rebuild', { workerId: 'next' })),
      ]);
      expect([renewal.kind, takeover.kind]).toEqual(
        renewal.kind === 'held' ? ['held', 'not_yet'] : ['lost', 'claimed'],
      );
      await sql`DELETE FROM leases`;
    }
  });
});

describe('a claim whose target is being taken over', () => {
  it('cannot be finished though the takeover is committed while the outcome is being written', async () => {
    const { addJob, claim, executions, ledger, sql, waitForLock } = await executionsSetup();
    const job = await addJob();
    const slow = claimedBy(await claim(job, 'rebuild'));
    const finishing = await sql.begin(async (takeover) => {
      await takeover`DELETE FROM leases WHERE task_id = ${slow.task.id}`;
      const written = executions.finish(slow, { kind: 'succeeded', result: {} }, [sampleStep()]);
      await waitForLock();
      return { written };
    });
    expect(await finishing.written).toBe(false);
    expect((await ledger.jobs.get(job.id))?.tasks[0]).toMatchObject({ state: 'RUNNING', result: null, steps: [] });
  });

  it('keeps the target when it is renewed just before', async () => {
    const { addJob, claim, expireLease, executions, sql, waitForLock } = await executionsSetup();
    const slow = claimedBy(await claim(await addJob(), 'rebuild'));
    const next = await addJob();
    await expireLease(slow);
    const taking = await sql.begin(async (renewal) => {
      await renewal`UPDATE leases SET expires_at = now() + interval '1 minute' WHERE task_id = ${slow.task.id}`;
      const taken = claim(next, 'rebuild');
      await waitForLock();
      return { taken };
    });
    expect(await taking.taken).toEqual({ kind: 'not_yet', reason: 'target_busy' });
    expect(await executions.renew(slow, 60_000)).toEqual({ kind: 'held', cancelRequested: false });
  });
});

describe('a claim that ended', () => {
  it.each(['release', 'finish'] as const)(
    'by %s writes nothing more, though the task is claimed again',
    async (end) => {
      const { addJob, claim, executions, everything } = await executionsSetup();
      const job = await addJob();
      const first = claimedBy(await claim(job, 'rebuild', { workerId: 'w1' }));
      if (end === 'release') {
        expect(await executions.release(first, 'target_busy')).toBe(true);
        const second = claimedBy(await claim(job, 'rebuild', { workerId: 'w1' }));
        expect(second.fence).toBe(2);
      } else {
        expect(await executions.finish(first, { kind: 'succeeded', result: {} }, [])).toBe(true);
      }
      const before = await everything();
      for (const [name, write, refusal] of writes(executions, first)) {
        expect([name, await write()]).toEqual([name, refusal]);
      }
      expect(await everything()).toEqual(before);
    },
  );

  it('can be finished once only, by whichever of two calls comes first', async () => {
    const { addJob, claim, executions, ledger } = await executionsSetup();
    const claimed = claimedBy(await claim(await addJob(), 'rebuild'));
    const results = await Promise.all([
      executions.finish(claimed, { kind: 'succeeded', result: {} }, [sampleStep()]),
      executions.finish(claimed, { kind: 'failed', error, result: null }, [sampleStep()]),
      executions.release(claimed, 'target_busy'),
    ]);
    expect(results.filter(Boolean)).toHaveLength(1);
    const { items } = await ledger.audit.list({ limit: 10 }, { entity: 'task', entityId: claimed.task.id });
    expect(items).toHaveLength(2);
  });
});

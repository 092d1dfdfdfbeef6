import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup } from '../../../../test/support/executions.ts';

const succeeded = { kind: 'succeeded', result: {} } as const;

describe('gate', () => {
  it('is open for ever without a window, and until its end with one', async () => {
    const { addJob, claim, executions, ledger } = await executionsSetup();
    const always = claimedBy(await claim(await addJob(), 'rebuild'));
    expect(await executions.gate(always)).toEqual({ kind: 'open', closesInMs: null });

    const now = await ledger.now();
    const hour = now.getUTCHours();
    const window = { startHour: hour, endHour: (hour + 3) % 24 };
    const limited = claimedBy(await claim(await addJob({ targetId: 'stock', window }), 'rebuild'));
    const gate = await executions.gate(limited);
    const closesAt = Math.floor(now.getTime() / 3_600_000) * 3_600_000 + 3 * 3_600_000;
    expect(gate).toEqual({ kind: 'open', closesInMs: expect.any(Number) });
    const leftMs = gate.kind === 'open' ? (gate.closesInMs ?? 0) : 0;
    expect(leftMs).toBeLessThanOrEqual(closesAt - now.getTime());
    expect(leftMs).toBeGreaterThan(closesAt - (await ledger.now()).getTime() - 1);
  });

  it('closes with the window, with a halt by another task, and with a cancel', async () => {
    const { addJob, claim, executions, sql } = await executionsSetup();
    const job = await addJob();
    const claimed = claimedBy(await claim(job, 'rebuild'));
    const hour = new Date().getUTCHours();
    await sql`UPDATE jobs SET window_start_hour = ${(hour + 2) % 24}, window_end_hour = ${(hour + 3) % 24}`;
    expect(await executions.gate(claimed)).toEqual({ kind: 'closed', reason: 'outside_window' });
    await sql`UPDATE jobs SET halted = true`;
    expect(await executions.gate(claimed)).toEqual({ kind: 'closed', reason: 'halted' });
    await sql`UPDATE jobs SET cancel_requested_at = now()`;
    expect(await executions.gate(claimed)).toEqual({ kind: 'closed', reason: 'cancelled' });
  });

  it('stays open to what runs while another task of the job waits for a person', async () => {
    const { addJob, claim, executions, sql } = await executionsSetup();
    const claimed = claimedBy(await claim(await addJob(), 'rebuild'));
    await sql`UPDATE jobs SET state = 'NEEDS_OPERATOR'`;
    expect(await executions.gate(claimed)).toEqual({ kind: 'open', closesInMs: null });
    await sql`UPDATE jobs SET cancel_requested_at = now()`;
    expect(await executions.gate(claimed)).toEqual({ kind: 'closed', reason: 'cancelled' });
  });
});

describe('finalise', () => {
  it('waits for all tasks, ends the job once, and asks for the removal of its flow', async () => {
    const { addJob, claim, executions, ledger, sql, waitForLock } = await executionsSetup();
    const job = await addJob();
    const request = { jobId: job.id, generation: 1 };
    expect(await executions.finalise(request)).toEqual({ kind: 'not_yet' });
    await executions.finish(claimedBy(await claim(job, 'rebuild')), succeeded, []);
    const last = claimedBy(await claim(job, 'analyse'));
    expect(await executions.finalise(request)).toEqual({ kind: 'not_yet' });
    await executions.finish(last, succeeded, []);

    const racing = await sql.begin(async (starter) => {
      await starter`SELECT FROM jobs WHERE id = ${job.id} FOR UPDATE`;
      const results = Promise.all([1, 2, 3].map(() => executions.finalise(request)));
      await waitForLock(3);
      return { results };
    });
    const results = await racing.results;
    expect(results.filter(({ kind }) => kind === 'finalised')).toEqual([
      { kind: 'finalised', state: 'SUCCEEDED', neverStarted: [] },
    ]);
    expect(results.filter(({ kind }) => kind === 'over')).toHaveLength(2);
    const kept = await ledger.jobs.get(job.id);
    expect(kept).toMatchObject({ state: 'SUCCEEDED', reason: null });
    expect(kept?.finishedAt).toBeInstanceOf(Date);
    expect(await sql`SELECT subject, message FROM outbox`).toEqual([
      { subject: `job:${job.id}`, message: { kind: 'flow.remove', ...request } },
    ]);
    const { items } = await ledger.audit.list({ limit: 10 }, { action: 'job.finish' });
    expect(items).toMatchObject([
      { actor: 'system:finalise', before: { state: 'RUNNING' }, after: { state: 'SUCCEEDED' } },
    ]);
  });

  it('ends a job that was cancelled before anything began, and one that was while a task ran', async () => {
    const { addJob, claim, cancel, executions, ledger } = await executionsSetup();
    const unbegun = await addJob();
    await cancel(unbegun);
    expect(await executions.finalise({ jobId: unbegun.id, generation: 1 })).toEqual({
      kind: 'finalised',
      state: 'CANCELLED',
      neverStarted: expect.arrayContaining(['INDEX_REBUILD', 'STATISTICS_UPDATE']),
    });

    const begun = await addJob();
    const claimed = claimedBy(await claim(begun, 'rebuild'));
    await cancel(begun);
    expect(await executions.finalise({ jobId: begun.id, generation: 1 })).toEqual({ kind: 'not_yet' });
    await executions.finish(claimed, { kind: 'cancelled', result: null }, []);
    expect(await executions.finalise({ jobId: begun.id, generation: 1 })).toEqual({
      kind: 'finalised',
      state: 'CANCELLED',
      neverStarted: ['STATISTICS_UPDATE'],
    });
    expect((await ledger.jobs.get(begun.id))?.reason).toBe('cancelled');
  });

  it('ends a job none of whose tasks might run as SKIPPED, with the reason', async () => {
    const { addJob, claim, executions, ledger } = await executionsSetup();
    const hour = new Date().getUTCHours();
    const job = await addJob({ window: { startHour: (hour + 2) % 24, endHour: (hour + 3) % 24 } });
    for (const key of ['analyse', 'rebuild']) expect((await claim(job, key)).kind).toBe('skipped');
    expect(await executions.finalise({ jobId: job.id, generation: 1 })).toEqual({
      kind: 'finalised',
      state: 'SKIPPED',
      neverStarted: expect.arrayContaining(['INDEX_REBUILD', 'STATISTICS_UPDATE']),
    });
    expect(await ledger.jobs.get(job.id)).toMatchObject({ reason: 'outside_window', startedAt: null });
  });

  it('is over for a stale generation, what is unknown and what is no id of ours', async () => {
    const { addJob, cancel, executions, everything } = await executionsSetup();
    const job = await addJob();
    await cancel(job);
    const before = await everything();
    for (const jobId of [job.id, 'x', '0193519a-4f00-7000-8000-000000000000']) {
      expect(await executions.finalise({ jobId, generation: 0 })).toEqual({ kind: 'over' });
    }
    expect(await everything()).toEqual(before);
  });
});

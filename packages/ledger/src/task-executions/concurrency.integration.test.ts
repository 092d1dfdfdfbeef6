import type { ClaimedTask, NewJob, TaskOutcome } from '@slacktide/application/ports';
import { type Access, isTerminal } from '@slacktide/domain';
import { expect, it, onTestFinished, vi } from 'vitest';
import { executionsSetup, sampleStep } from '../../../../test/support/executions.ts';
import { connectLedger } from '../connect.ts';

const outcomes: readonly TaskOutcome[] = [
  { kind: 'succeeded', result: {} },
  { kind: 'succeeded', result: { indexes: 3 } },
  { kind: 'failed', error: { code: 'boom', message: 'boom' }, result: null },
];

it('two processes of three workers bring every job to its end without overlap and without a deadlock', async () => {
  const { databaseUrl, addJob, cancel, ledger, sql } = await executionsSetup();
  const processes = [1, 2].map(() => connectLedger({ databaseUrl, applicationName: 'process', maxConnections: 5 }));
  onTestFinished(() => Promise.all(processes.map((each) => each.close())).then(() => undefined));

  const jobs: NewJob[] = [];
  for (let number = 0; number < 16; number += 1) {
    jobs.push(await addJob({ targetId: number % 2 === 0 ? 'shop' : 'stock', haltOnTaskFailure: number % 3 === 0 }));
  }
  const open = new Set(jobs);
  /** Who works on a target, as the workers themselves see it. */
  const working = new Map<string, Access[]>([
    ['shop', []],
    ['stock', []],
  ]);
  const fences: Record<string, number[]> = { shop: [], stock: [] };

  const work = async (executions: (typeof processes)[number]['executions'], claimed: ClaimedTask, turn: number) => {
    const others = working.get(claimed.target.id) ?? [];
    expect(others.includes('act') || (claimed.access === 'act' && others.length > 0)).toBe(false);
    others.push(claimed.access);
    fences[claimed.target.id]?.push(claimed.fence);
    const steps = [sampleStep(), sampleStep({ key: 'second', position: 1 })];
    const held = await Promise.all([
      executions.recordProgress(claimed, { steps, percent: 10 }),
      executions.renew(claimed, 60_000).then(({ kind }) => kind === 'held'),
      executions.recordProgress(claimed, { steps: steps.toReversed(), percent: 20 }),
    ]);
    expect(held).toEqual([true, true, true]);
    others.splice(others.indexOf(claimed.access), 1);
    // A heartbeat may cross the end of the task.
    const [ended] = await Promise.all([
      turn % 7 === 0
        ? executions.release(claimed, 'target_busy')
        : executions.finish(claimed, outcomes[turn % outcomes.length] ?? { kind: 'cancelled', result: null }, steps),
      executions.recordProgress(claimed, { steps, percent: 30 }),
      executions.renew(claimed, 60_000),
    ]);
    expect(ended).toBe(true);
  };

  const worker = async (name: string, { executions }: (typeof processes)[number], offset: number) => {
    for (let turn = offset; open.size > 0; turn += 1) {
      const job = [...open][turn % open.size];
      if (job === undefined) continue;
      for (const [position, task] of job.tasks.entries()) {
        const access = (turn + position) % 3 === 0 ? 'observe' : 'act';
        const request = {
          taskId: task.id,
          generation: 1,
          workerId: name,
          access,
          leaseLifeMs: 60_000,
          workerNow: new Date(),
        } as const;
        const result = await executions.claim(request);
        if (result.kind === 'claimed') await work(executions, result.claimed, turn + 1);
      }
      if (turn % 11 === 0) await cancel(job);
      if ((await executions.finalise({ jobId: job.id, generation: 1 })).kind !== 'not_yet') open.delete(job);
    }
  };
  await Promise.all(
    processes.flatMap((process, number) =>
      [0, 1, 2].map((each) => worker(`w${number}${each}`, process, number * 5 + each)),
    ),
  );

  for (const { id } of jobs) {
    const kept = await ledger.jobs.get(id);
    expect(
      [kept?.state, ...(kept?.tasks ?? []).map(({ state }) => state)].every((state) => state && isTerminal(state)),
    ).toBe(true);
  }
  expect(await sql`SELECT FROM leases`).toHaveLength(0);
  for (const target of ['shop', 'stock']) expect(new Set(fences[target]).size).toBe(fences[target]?.length);

  // A session hands in its statistics when it ends.
  await Promise.all(processes.map((each) => each.close()));
  await vi.waitFor(
    async () => {
      expect(
        await sql`SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'process'`,
      ).toHaveLength(0);
    },
    { timeout: 20_000 },
  );
  expect(await sql`SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()`).toEqual([
    { deadlocks: 0 },
  ]);
});

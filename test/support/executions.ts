import type { ClaimedTask, ClaimResult, NewJob, StepRecord } from '@slacktide/application/ports';
import type { Access } from '@slacktide/domain';
import { connectLedger } from '@slacktide/ledger';
import { onTestFinished, vi } from 'vitest';
import { freshLedger, lookInto } from './ledger.ts';
import { sampleContext, sampleJob, sampleTarget } from './ledger-data.ts';

/** A ledger of the running test's own with the targets `shop` and `stock`, and what tests of task executions do with it. */
export async function executionsSetup() {
  const databaseUrl = await freshLedger();
  const connection = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 6 });
  onTestFinished(() => connection.close());
  const { ledger, executions } = connection;
  const sql = lookInto(databaseUrl);
  await ledger.transaction(sampleContext(), async (tx) => {
    for (const id of ['shop', 'stock']) await tx.targets.insert(sampleTarget({ id }));
    return { result: null, audit: [{ action: 'target.create', entity: 'target', entityId: 'shop' }] };
  });

  return {
    databaseUrl,
    connection,
    executions,
    ledger,
    sql,

    /** Inserts a job as `sampleJob` makes it: `rebuild`, then `analyse`. */
    async addJob(changes: Partial<NewJob> = {}): Promise<NewJob> {
      const job = sampleJob(changes);
      await ledger.transaction(sampleContext(), async (tx) => {
        await tx.jobs.insert(job);
        return { result: null, audit: [{ action: 'job.create', entity: 'job', entityId: job.id }] };
      });
      return job;
    },

    /** Tries to claim a job's task by key, generation 1, for `act`, with a lease of a minute. */
    claim(
      job: NewJob,
      key: string,
      changes: { workerId?: string; access?: Access; generation?: number; leaseLifeMs?: number } = {},
    ): Promise<ClaimResult> {
      const request = {
        generation: 1,
        workerId: 'w1',
        access: 'act',
        leaseLifeMs: 60_000,
        workerNow: new Date(),
        ...changes,
      } as const;
      return executions.claim({ taskId: taskOf(job, key).id, ...request });
    },

    async cancel(job: NewJob): Promise<void> {
      await ledger.transaction(sampleContext(), async (tx) => {
        await tx.jobs.requestCancel(job.id, await tx.now());
        return { result: null, audit: [{ action: 'job.cancel', entity: 'job', entityId: job.id }] };
      });
    },

    /** Lets the lease of a claim run out, as if its worker had been silent for long. */
    async expireLease({ task }: ClaimedTask): Promise<void> {
      await sql`UPDATE leases SET expires_at = now() - interval '20 seconds' WHERE task_id = ${task.id}`;
    },

    /** Resolves when so many sessions of the ledger wait for a lock. */
    async waitForLock(sessions = 1): Promise<void> {
      await vi.waitFor(
        async () => {
          const waiting = await sql`
          SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
          if (waiting.length < sessions)
            throw new Error(`expected ${sessions} sessions to wait, got: ${waiting.length}`);
        },
        { timeout: 20_000 },
      );
    },

    /** Everything that a claim may change, to compare. */
    async everything() {
      const [row] = await sql`
        SELECT (SELECT json_agg(j ORDER BY id) FROM jobs j) AS jobs, (SELECT json_agg(t ORDER BY id) FROM tasks t) AS tasks,
          (SELECT json_agg(s ORDER BY task_id, key) FROM steps s) AS steps, (SELECT json_agg(l ORDER BY task_id) FROM leases l) AS leases,
          (SELECT json_agg(t ORDER BY id) FROM targets t) AS targets, (SELECT json_agg(s ORDER BY id) FROM target_samples s) AS samples,
          (SELECT json_agg(a ORDER BY id) FROM audit_events a) AS audit, (SELECT json_agg(o ORDER BY id) FROM outbox o) AS outbox`;
      return { ...row };
    },
  };
}

/** The task of a job with that key. */
export function taskOf(job: NewJob, key: string) {
  const task = job.tasks.find((candidate) => candidate.key === key);
  if (task === undefined) throw new Error(`expected a task ${key}, got: ${job.tasks.map((each) => each.key)}`);
  return task;
}

/** The claim, where a test expects one. */
export function claimedBy(result: ClaimResult): ClaimedTask {
  if (result.kind !== 'claimed') throw new Error(`expected a claim, got: ${JSON.stringify(result)}`);
  return result.claimed;
}

/** A step that is under way. */
export function sampleStep(changes: Partial<StepRecord> = {}): StepRecord {
  return {
    key: 'public.orders_pkey',
    position: 0,
    state: 'RUNNING',
    reason: null,
    object: 'public.orders_pkey',
    statement: 'REINDEX INDEX CONCURRENTLY public.orders_pkey',
    phase: 'building index',
    percent: 40,
    etaSeconds: 12.5,
    result: null,
    error: null,
    startedAt: new Date('2026-11-22T12:00:01.234Z'),
    finishedAt: null,
    ...changes,
  };
}

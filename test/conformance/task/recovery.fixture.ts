import { leaseTimes, type RecoverDeps, recoverExpired } from '@slacktide/application';
import type { ClaimedTask, Executor, Intent, NewJob, StepRecord } from '@slacktide/application/ports';
import { createPostgresGateway } from '@slacktide/targets';
import { onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { claimedBy, executionsSetup, sampleStep } from '../../support/executions.ts';
import { freshTarget } from '../../support/target.ts';

const never = new AbortController().signal;

/** An executor of that class which never acts: recovery asks it what it must. */
export function executorOf(
  changes: Omit<Partial<Executor>, 'taskType'> & { class?: Executor['taskType']['class'] } = {},
): Executor {
  const { class: safety = 'idempotent', ...parts } = changes;
  return {
    taskType: {
      type: 'INDEX_REBUILD',
      category: 'index',
      access: 'act',
      class: safety,
      description: 'of a test',
      config: z.object({}) as never,
    },
    readFacts: () => Promise.reject(new Error('recovery does not plan')),
    plan: () => ({ steps: [], checked: 0, skipped: [], unknown: [] }),
    runStep: () => Promise.reject(new Error('recovery does not run')),
    ...parts,
  };
}

/** A worker that recovers, over a real ledger and target. */
export async function recoverySetup(executor: Executor = executorOf(), changes: Partial<RecoverDeps> = {}) {
  const ledger = await executionsSetup();
  const target = await freshTarget(18);
  await ledger.sql`UPDATE targets SET connection = ${target.address.connection}, secret_ref = 'env:TARGET_PASSWORD' WHERE id = 'shop'`;
  const gateway = createPostgresGateway({ env: target.env });
  const seen = { recovered: vi.fn(), unexpected: vi.fn(), error: vi.fn(), exit: vi.fn() };
  const { recoveries, remnants, executions } = ledger.connection;
  const deps: RecoverDeps = {
    recoveries,
    remnants,
    executions,
    gateway,
    executorOf: (type) => (type === 'INDEX_REBUILD' ? executor : undefined),
    types: ['INDEX_REBUILD'],
    workerId: 'w2',
    times: leaseTimes(30_000),
    exit: seen.exit,
    onRecovered: (_, recovered) => seen.recovered(recovered),
    onUnexpected: (_, error) => seen.unexpected(error),
    onError: (_, error) => seen.error(error),
    ...changes,
  };

  /** The identity of a session that is over by now. */
  const goneSession = async (): Promise<Intent> =>
    await gateway.read(
      target.address,
      { applicationName: 'slacktide/index_rebuild/1' },
      async ({ identity }) => identity,
    );

  return {
    ...ledger,
    target,
    gateway,
    deps,
    seen,
    goneSession,

    /** A session that holds the target's lock and sleeps, as a dead worker may leave one behind. */
    async leaveSession(): Promise<{ readonly identity: Intent; readonly ended: Promise<unknown> }> {
      const opened = Promise.withResolvers<Intent>();
      const options = { applicationName: 'slacktide/index_rebuild/1', statementTimeoutMs: 600_000, signal: never };
      const ended = gateway
        .act(target.address, options, async (session) => {
          opened.resolve(session.identity);
          await session.execute('SELECT pg_sleep(600)');
        })
        .catch((error: unknown) => error);
      onTestFinished(async () => {
        await target.admin.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
        );
        await ended;
      });
      return { identity: await opened.promise, ended };
    },

    /** A job whose task was in the hands of a worker that let its lease run out. `intent: null` = it had not yet announced itself. */
    async interrupted(
      with_: { intent?: Intent | null; steps?: readonly StepRecord[]; percent?: number; job?: Partial<NewJob> } = {},
    ): Promise<{ job: NewJob; claimed: ClaimedTask }> {
      const { intent = await goneSession(), steps = [sampleStep()], percent = 40 } = with_;
      const job = await ledger.addJob(with_.job);
      const claimed = claimedBy(await ledger.claim(job, 'rebuild'));
      if (intent !== null) await executions.recordIntent(claimed, intent);
      await executions.recordProgress(claimed, { steps: intent === null ? [] : steps, percent });
      await ledger.expireLease(claimed);
      return { job, claimed };
    },

    /** Lets what was postponed be looked at again. */
    async itIsTime(): Promise<void> {
      await ledger.sql`UPDATE tasks SET recover_after = now() WHERE recover_after IS NOT NULL`;
    },

    recover: (stopping?: AbortSignal) => recoverExpired(deps, stopping),
    jobNow: (job: NewJob) => ledger.ledger.jobs.get(job.id),
    taskNow: async (job: NewJob) => (await ledger.ledger.jobs.get(job.id))?.tasks.find(({ key }) => key === 'rebuild'),
  };
}

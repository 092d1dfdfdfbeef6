import type { NewJob, StepRecord, TakenOver, TakeOverResult } from '@slacktide/application/ports';
import { claimedBy, executionsSetup, sampleStep, taskOf } from './executions.ts';

/** Which session was about to act. */
export const intent = {
  pid: 4711,
  backendStart: '2026-11-22 12:00:00.123456+00',
  applicationName: 'slacktide/index_rebuild/1',
  epoch: { systemIdentifier: '7', postmasterStart: '2026-11-01 00:00:00.000001+00', timeline: '00000001' },
};
export const unclear = { code: 'outcome_unclear', message: 'nobody can tell', detail: { pid: 4711 } };
export const types = ['INDEX_REBUILD', 'STATISTICS_UPDATE'];

/** A ledger of the running test's own, and what tests of recovery do with it. */
export async function recoverySetup() {
  const it = await executionsSetup();
  const { recoveries } = it.connection;
  const takeOver = (job: NewJob, workerId = 'w2', key = 'rebuild') =>
    recoveries.takeOver({ taskId: taskOf(job, key).id, workerId, leaseLifeMs: 60_000 });
  /** A job whose task was about to act when its worker fell silent. */
  const interrupted = async (
    changes: Partial<NewJob> & { readonly steps?: readonly StepRecord[] } = {},
    given?: NewJob,
  ) => {
    const { steps = [sampleStep()], ...ofJob } = changes;
    const job = given ?? (await it.addJob(ofJob));
    const claimed = claimedBy(await it.claim(job, 'rebuild'));
    await it.executions.recordIntent(claimed, intent);
    await it.executions.recordProgress(claimed, { steps, percent: 40 });
    await it.expireLease(claimed);
    return { job, claimed };
  };
  return {
    ...it,
    recoveries,
    takeOver,
    interrupted,
    /** Such a job, in the hands of recovery. */
    async taken(...parameters: Parameters<typeof interrupted>) {
      const { job, claimed } = await interrupted(...parameters);
      return { job, claimed, taken: takenBy(await takeOver(job)) };
    },
    expired: async () => (await recoveries.listExpired({ types, limit: 10 })).map(({ taskId }) => taskId),
    outbox: async () =>
      (await it.sql`SELECT message FROM outbox ORDER BY id`).map(({ message }) => message as Record<string, unknown>),
    jobNow: (job: NewJob) => it.ledger.jobs.get(job.id),
    taskNow: async (job: NewJob, key = 'rebuild') =>
      (await it.ledger.jobs.get(job.id))?.tasks.find((task) => task.key === key),
    /** Actions on the job and its tasks, oldest first. */
    async actions(job: NewJob) {
      const ids = [job.id, ...job.tasks.map(({ id }) => id)];
      const rows = await it.sql`SELECT action FROM audit_events WHERE entity_id = ANY(${ids}) ORDER BY id`;
      return rows.map((row) => row['action']);
    },
  };
}

/** The take-over, where a test expects one. */
export function takenBy(result: TakeOverResult): TakenOver {
  if (result.kind !== 'taken') throw new Error(`expected a take-over, got: ${result.kind}`);
  return result.taken;
}

import type { AuditEntry, TaskExecutions } from '@slacktide/application/ports';
import {
  instantOfId,
  isTerminal,
  isTimeOrderedId,
  type JobOutcome,
  jobOutcome,
  type SkipReason,
  type StateEvent,
} from '@slacktide/domain';
import { insertAudit } from '../audit/insert-audit.ts';
import { type JobRow, toJob } from '../jobs/job-row.ts';
import type { TaskRow } from '../jobs/task-row.ts';
import { addToOutbox } from '../outbox/add-to-outbox.ts';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { move } from './move.ts';
import { retryDeadlocks } from './retry-deadlocks.ts';

type FinaliseRequest = Parameters<TaskExecutions['finalise']>[0];
type FinaliseResult = Awaited<ReturnType<TaskExecutions['finalise']>>;

/** Ends a job whose tasks are all over, as the domain's `jobOutcome` says. Ids that are not ours, and jobs long pruned, are `over`. */
export async function finalise(pool: LedgerPool, request: FinaliseRequest): Promise<FinaliseResult> {
  if (!isTimeOrderedId(request.jobId)) return { kind: 'over' };
  return retryDeadlocks(() => pool.begin((tx) => finaliseIn(tx, request)));
}

async function finaliseIn(tx: LedgerSql, { jobId, generation }: FinaliseRequest): Promise<FinaliseResult> {
  const { job, tasks } = await lockJob(tx, jobId);
  if (job === undefined || isTerminal(job.state) || job.generation !== generation) return { kind: 'over' };
  const outcome = jobOutcome(job, tasks);
  if (outcome === null) return { kind: 'not_yet' };

  const state = move(job.state, eventOf(outcome));
  const { reason } = outcome;
  const entry: AuditEntry = {
    action: 'job.finish',
    entity: 'job',
    entityId: jobId,
    ...(reason === null ? {} : { reason }),
    before: { state: job.state },
    after: { state },
  };
  await Promise.all([
    tx`
      WITH ended AS (
        UPDATE jobs SET state = ${state}, reason = ${reason}, finished_at = clock_timestamp()
        WHERE scheduled_for = ${job.scheduledFor} AND id = ${jobId}
      )
      ${insertAudit(tx, { actor: 'system:finalise', traceId: job.traceId }, [entry])}`,
    addToOutbox(tx, { kind: 'flow.remove', jobId, generation }),
  ]);
  const neverStarted = tasks.filter((task) => task.startedAt === null).map(({ type }) => type);
  return { kind: 'finalised', state, neverStarted };
}

async function lockJob(tx: LedgerSql, jobId: string) {
  const dueAt = instantOfId(jobId);
  // Executed in this order: the tasks as they are once the job is locked.
  const [[row], tasks] = await Promise.all([
    tx<JobRow[]>`SELECT * FROM jobs WHERE scheduled_for = ${dueAt} AND id = ${jobId} FOR NO KEY UPDATE`,
    tx<Pick<TaskRow, 'state' | 'reason' | 'position' | 'type' | 'startedAt'>[]>`
      SELECT state, reason, position, type, started_at FROM tasks WHERE scheduled_for = ${dueAt} AND job_id = ${jobId}`,
  ]);
  return { job: row && toJob(row), tasks };
}

function eventOf({ state, reason }: JobOutcome): StateEvent {
  switch (state) {
    case 'SUCCEEDED':
      return { kind: 'succeed' };
    case 'FAILED':
      return { kind: 'fail' };
    case 'CANCELLED':
      return { kind: 'cancel' };
    case 'SKIPPED':
      return { kind: 'skip', reason: reason as SkipReason };
    case 'ROLLED_BACK':
      return { kind: 'roll_back' };
  }
}

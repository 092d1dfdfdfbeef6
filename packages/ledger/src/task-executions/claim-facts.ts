import type { TaskExecutions } from '@slacktide/application/ports';
import { type Access, instantOfId, type Job, type State, type Target, type Task } from '@slacktide/domain';
import type { Fragment } from 'postgres';
import { type JobRow, toJob } from '../jobs/job-row.ts';
import { type TaskRow, toTask } from '../jobs/task-row.ts';
import type { leases } from '../schema/leases.ts';
import type { LedgerSql } from '../sql.ts';
import { type TargetRow, toTarget } from '../targets/target-row.ts';

export type ClaimRequest = Parameters<TaskExecutions['claim']>[0];

type Lease = typeof leases.$inferSelect;
type TaskNowRow = TaskRow & { readonly needStates: readonly State[]; readonly now: Date; readonly queued: boolean };

/** All that a claim is decided by, read with target, job, leases and task locked. */
export interface LockedFacts {
  readonly job: Job;
  readonly task: Task;
  /** Undefined when the target was removed from care meanwhile. */
  readonly target: Target | undefined;
  /** Latest number given to a claim on the target. */
  readonly fence: number;
  readonly needs: readonly State[];
  readonly targetBusy: boolean;
  /** The job that this one waits for is not over. */
  readonly queued: boolean;
  /** Tasks on this target whose workers let their leases run out. */
  readonly expired: readonly string[];
  /** The ledger's clock, after the waits for locks. */
  readonly now: Date;
}

/** Locks and reads what a claim of the task is decided by; undefined when there is no such task. */
export async function lockClaimFacts(
  tx: LedgerSql,
  { taskId, access }: ClaimRequest,
): Promise<LockedFacts | undefined> {
  const dueAt = instantOfId(taskId);
  const jobId = tx`(SELECT job_id FROM tasks WHERE scheduled_for = ${dueAt} AND id = ${taskId})`;
  const targetId = tx`(SELECT target_id FROM jobs WHERE scheduled_for = ${dueAt} AND id = ${jobId})`;
  // Sent at once and executed in this order, each statement seeing what was committed before it began.
  const [[targetRow], [jobRow], held, [taskRow]] = await Promise.all([
    tx<TargetRow[]>`SELECT * FROM targets WHERE id = ${targetId} FOR NO KEY UPDATE`,
    tx<JobRow[]>`SELECT * FROM jobs WHERE scheduled_for = ${dueAt} AND id = ${jobId} FOR NO KEY UPDATE`,
    // Locked, so that none is renewed between being found expired and being removed.
    tx<Lease[]>`SELECT * FROM leases WHERE target_id = ${targetId} FOR UPDATE`,
    tx<TaskNowRow[]>`
      SELECT tasks.*, clock_timestamp() AS now, ARRAY(
        SELECT need.state FROM tasks need
        WHERE need.scheduled_for = ${dueAt} AND need.job_id = tasks.job_id AND tasks.needs ? need.key
      ) AS need_states, ${earlierIsOpen(tx, dueAt, jobId)} AS queued
      FROM tasks WHERE tasks.scheduled_for = ${dueAt} AND tasks.id = ${taskId} FOR NO KEY UPDATE OF tasks`,
  ]);
  if (jobRow === undefined || taskRow === undefined) return undefined;

  const { needStates, now, queued } = taskRow;
  const others = held.filter((lease) => lease.taskId !== taskId);
  const isLive = (lease: Lease): boolean => lease.expiresAt > now;
  return {
    job: toJob(jobRow),
    task: toTask(taskRow),
    target: targetRow && toTarget(targetRow),
    fence: targetRow?.fence ?? 0,
    needs: needStates,
    targetBusy: others.some((lease) => isLive(lease) && excludes(lease.access, access)),
    queued,
    expired: others.filter((lease) => !isLive(lease)).map((lease) => lease.taskId),
    now,
  };
}

/** Overlap policy `queue`: the job's predecessor is not over; one that is gone from history is. The predecessor's id carries its instant. */
function earlierIsOpen(tx: LedgerSql, dueAt: Date, jobId: Fragment): Fragment {
  return tx`EXISTS (
    SELECT FROM jobs later JOIN jobs earlier ON earlier.id = later.after_job_id
      AND earlier.scheduled_for = to_timestamp(('x' || translate(left(later.after_job_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)::timestamptz(3)
    WHERE later.scheduled_for = ${dueAt} AND later.id = ${jobId} AND earlier.finished_at IS NULL
  )`;
}

/** `act` has the target for itself, `observe` shares it with its like. */
function excludes(one: Access, other: Access): boolean {
  return one === 'act' || other === 'act';
}

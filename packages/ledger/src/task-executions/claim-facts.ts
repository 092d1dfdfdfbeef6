import type { TaskExecutions } from '@slacktide/application/ports';
import {
  type Access,
  busyReleases,
  instantOfId,
  type Job,
  longestTargetWaitMs,
  type State,
  type Target,
  type Task,
} from '@slacktide/domain';
import type { Fragment } from 'postgres';
import { type JobRow, toJob } from '../jobs/job-row.ts';
import { type TaskRow, toTask } from '../jobs/task-row.ts';
import type { leases } from '../schema/leases.ts';
import type { LedgerSql } from '../sql.ts';
import { type TargetRow, toTarget } from '../targets/target-row.ts';

export type ClaimRequest = Parameters<TaskExecutions['claim']>[0];

type Lease = typeof leases.$inferSelect;
interface TaskNowRow extends TaskRow {
  readonly needStates: readonly State[];
  readonly now: Date;
  readonly queued: boolean;
  /** When the latest that it had to wait for was over, of what ran at all. */
  readonly freeSince: Date | null;
}

/**
 * How long a target is kept for recovery once the lease of acting work on it ran out: several rounds of the workers' looks for such work. Without it,
 * a target that is never idle would leave the work of a dead worker unrecovered for as long as it is busy.
 */
const recoveryHeadStartMs = 15_000;

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
  /** How long the task has been able to start, where that can matter; else 0. */
  readonly waitedMs: number;
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
  const [[targetRow], [jobRow], expired, held, [taskRow]] = await Promise.all([
    tx<TargetRow[]>`SELECT * FROM targets WHERE id = ${targetId} FOR NO KEY UPDATE`,
    tx<JobRow[]>`SELECT * FROM jobs WHERE scheduled_for = ${dueAt} AND id = ${jobId} FOR NO KEY UPDATE`,
    // Locked, so that none is renewed between being found expired and being removed. The others are left to their holders, who may be ending.
    tx<Pick<Lease, 'taskId' | 'access' | 'expiresAt'>[]>`
      SELECT task_id, access, expires_at FROM leases WHERE target_id = ${targetId} AND expires_at <= clock_timestamp() FOR UPDATE`,
    tx<Pick<Lease, 'taskId' | 'access'>[]>`SELECT task_id, access FROM leases WHERE target_id = ${targetId}`,
    tx<TaskNowRow[]>`
      SELECT tasks.*, clock_timestamp() AS now, ARRAY(
        SELECT need.state FROM tasks need
        WHERE need.scheduled_for = ${dueAt} AND need.job_id = tasks.job_id AND tasks.needs ? need.key
      ) AS need_states, earlier.id IS NOT NULL AND earlier.finished_at IS NULL AS queued, greatest((
        SELECT max(need.finished_at) FROM tasks need
        WHERE need.scheduled_for = ${dueAt} AND need.job_id = tasks.job_id AND tasks.needs ? need.key AND need.started_at IS NOT NULL
      ), CASE WHEN earlier.started_at IS NOT NULL THEN earlier.finished_at END) AS free_since
      FROM tasks LEFT JOIN LATERAL ${earlierJob(tx, dueAt)} AS earlier ON true
      WHERE tasks.scheduled_for = ${dueAt} AND tasks.id = ${taskId} FOR NO KEY UPDATE OF tasks`,
  ]);
  if (jobRow === undefined || taskRow === undefined) return undefined;

  const { needStates, now, queued, freeSince } = taskRow;
  const task = toTask(taskRow);
  const overdue = new Set(expired.map((lease) => lease.taskId));
  const isRecoverysTurn = expired.some(
    (lease) =>
      lease.taskId !== taskId &&
      lease.access === 'act' &&
      now.getTime() - lease.expiresAt.getTime() < recoveryHeadStartMs,
  );
  const others = held.filter((lease) => lease.taskId !== taskId && !overdue.has(lease.taskId));
  const targetBusy = isRecoverysTurn || others.some((lease) => excludes(lease.access, access));
  const mayEnd = targetBusy || task.reason !== null;
  return {
    job: toJob(jobRow),
    task,
    target: targetRow && toTarget(targetRow),
    fence: targetRow?.fence ?? 0,
    needs: needStates,
    targetBusy,
    queued,
    waitedMs: mayEnd ? await waitedMs(tx, { job: jobRow, task, freeSince, now }) : 0,
    expired: [...overdue].filter((id) => id !== taskId),
    now,
  };
}

/** The job that the task's job is queued behind; one that is gone from history is over. Its id carries its instant. */
function earlierJob(tx: LedgerSql, dueAt: Date): Fragment {
  return tx`(
    SELECT earlier.id, earlier.started_at, earlier.finished_at FROM jobs later JOIN jobs earlier ON earlier.id = later.after_job_id
      AND earlier.scheduled_for = to_timestamp(('x' || translate(left(later.after_job_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)::timestamptz(3)
    WHERE later.scheduled_for = ${dueAt} AND later.id = tasks.job_id
  )`;
}

/**
 * How long a task has been able to start. A job that catches up is younger than its due time, and a task that was given back after a crash
 * has waited since then only: when it became PENDING is for the audit log to say, which is asked only where it decides.
 */
async function waitedMs(
  tx: LedgerSql,
  { job, task, freeSince, now }: { job: JobRow; task: Task; freeSince: Date | null; now: Date },
): Promise<number> {
  const since = (...instants: readonly (Date | null)[]): number =>
    now.getTime() - Math.max(...instants.map((at) => at?.getTime() ?? 0));
  const atMostMs = since(job.scheduledFor, freeSince);
  if (atMostMs <= longestTargetWaitMs(task)) return atMostMs;
  const [{ at }] = await tx<[{ at: Date | null }]>`
    SELECT max(at) AS at FROM audit_events
    WHERE (entity = 'job' AND entity_id = ${job.id} AND action = 'job.create')
      OR (entity = 'task' AND entity_id = ${task.id} AND after ->> 'state' = 'PENDING'
        AND coalesce(reason, '') <> ALL (${[...busyReleases]}))`;
  return since(job.scheduledFor, freeSince, at);
}

/** `act` has the target for itself, `observe` shares it with its like. */
function excludes(one: Access, other: Access): boolean {
  return one === 'act' || other === 'act';
}

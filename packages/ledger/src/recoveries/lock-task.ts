import { instantOfId, type Job, type Target } from '@slacktide/domain';
import { type JobRow, toJob } from '../jobs/job-row.ts';
import type { TaskRow } from '../jobs/task-row.ts';
import type { leases } from '../schema/leases.ts';
import type { LedgerSql } from '../sql.ts';
import { type TargetRow, toTarget } from '../targets/target-row.ts';

type Lease = typeof leases.$inferSelect;

/** All that a take-over is decided by, read with target, job, leases and task locked in this order. */
export interface LockedTask {
  readonly job: Job;
  readonly row: TaskRow;
  readonly target: Target;
  /** Latest number given to a claim on the target. */
  readonly fence: number;
  /** The task's own lease; undefined when another claim removed it. */
  readonly lease: Lease | undefined;
  /** The work may have touched its target: whoever recovers it needs the target alone. */
  readonly mayHaveActed: boolean;
  /** Another task holds the target in a way that keeps recovery out. */
  readonly targetBusy: boolean;
  /** Tasks on the target whose leases ran out, this one perhaps among them. */
  readonly expired: readonly string[];
  /** The ledger's clock, after the waits for locks. */
  readonly now: Date;
}

/** Locks and reads them; undefined when there is no such task. */
export async function lockTask(tx: LedgerSql, taskId: string): Promise<LockedTask | undefined> {
  const dueAt = instantOfId(taskId);
  const jobId = tx`(SELECT job_id FROM tasks WHERE scheduled_for = ${dueAt} AND id = ${taskId})`;
  const targetId = tx`(SELECT target_id FROM jobs WHERE scheduled_for = ${dueAt} AND id = ${jobId})`;
  // Sent at once and executed in this order, each statement seeing what was committed before it began.
  const [[targetRow], [jobRow], held, [taskRow]] = await Promise.all([
    tx<TargetRow[]>`SELECT * FROM targets WHERE id = ${targetId} FOR NO KEY UPDATE`,
    tx<JobRow[]>`SELECT * FROM jobs WHERE scheduled_for = ${dueAt} AND id = ${jobId} FOR NO KEY UPDATE`,
    tx<Lease[]>`SELECT * FROM leases WHERE target_id = ${targetId} FOR UPDATE`,
    tx<(TaskRow & { now: Date })[]>`
      SELECT tasks.*, clock_timestamp() AS now FROM tasks
      WHERE scheduled_for = ${dueAt} AND id = ${taskId} FOR NO KEY UPDATE`,
  ]);
  if (targetRow === undefined || jobRow === undefined || taskRow === undefined) return undefined;

  const { now, ...row } = taskRow;
  const isLive = (lease: Lease): boolean => lease.expiresAt > now;
  const mayHaveActed = row.access === 'act' && row.intentAt !== null;
  return {
    job: toJob(jobRow),
    row,
    target: toTarget(targetRow),
    fence: targetRow.fence,
    lease: held.find((lease) => lease.taskId === taskId),
    mayHaveActed,
    targetBusy: mayHaveActed && held.some((lease) => lease.taskId !== taskId && isLive(lease)),
    expired: held.filter((lease) => !isLive(lease)).map((lease) => lease.taskId),
    now,
  };
}

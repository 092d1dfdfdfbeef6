import type { ClaimedTask, TaskExecutions } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';

/** Extends the lease, one that ran out too as long as nobody took the target meanwhile. A lease lives no longer than its task runs. */
export async function renew(
  pool: LedgerPool,
  { job, task, fence }: ClaimedTask,
  leaseLifeMs: number,
): ReturnType<TaskExecutions['renew']> {
  const [lease] = await pool<{ cancelRequested: boolean }[]>`
    UPDATE leases SET expires_at = clock_timestamp() + make_interval(secs => ${leaseLifeMs / 1000})
    WHERE task_id = ${task.id} AND fence = ${fence}
    RETURNING EXISTS (
      SELECT FROM jobs WHERE scheduled_for = ${job.scheduledFor} AND id = ${job.id} AND cancel_requested_at IS NOT NULL
    ) AS cancel_requested`;
  return lease === undefined ? { kind: 'lost' } : { kind: 'held', cancelRequested: lease.cancelRequested };
}

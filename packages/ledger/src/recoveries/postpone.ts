import type { AuditEntry, TakenOver } from '@slacktide/application/ports';
import { insertAudit } from '../audit/insert-audit.ts';
import type { LedgerPool } from '../sql.ts';
import { claimedTask } from '../task-executions/held-task.ts';
import { retryDeadlocks } from '../task-executions/retry-deadlocks.ts';

/**
 * Gives the target free again, the task left as it is until somebody takes it over later. The lease stays as a mark of when it ran out, with a fence
 * that is nobody's: it can be neither renewed nor written under, and any claim on the target may remove it. An orderly end: take-overs count anew.
 */
export async function postpone(
  pool: LedgerPool,
  taken: TakenOver,
  reason: string,
  notBeforeMs: number,
): Promise<boolean> {
  const { job, task, fence, workerId, expiredAt } = taken;
  const entry: AuditEntry = {
    action: 'task.postpone_recovery',
    entity: 'task',
    entityId: task.id,
    reason,
    before: { state: task.state },
    after: { state: task.state, not_before_ms: notBeforeMs },
  };
  const { count } = await retryDeadlocks(
    () => pool`
      WITH lease AS (
        UPDATE leases SET fence = 0, expires_at = ${expiredAt} WHERE task_id = ${task.id} AND fence = ${fence} RETURNING task_id
      ), held AS (
        UPDATE tasks SET recover_after = clock_timestamp() + make_interval(secs => ${notBeforeMs / 1000}), reason = ${reason},
          recovery_attempts = 0
        FROM lease WHERE ${claimedTask(pool, taken)} AND tasks.id = lease.task_id
        RETURNING tasks.id
      ), audited AS (
        ${insertAudit(pool, { actor: `worker:${workerId}`, traceId: job.traceId }, [entry], pool`EXISTS (SELECT FROM held)`)}
      )
      SELECT FROM held`,
  );
  return count > 0;
}

import type { AuditEntry, ClaimedTask } from '@slacktide/application/ports';
import { insertAudit } from '../audit/insert-audit.ts';
import type { LedgerPool } from '../sql.ts';
import { claimedTask } from './held-task.ts';
import { move } from './move.ts';
import { retryDeadlocks } from './retry-deadlocks.ts';

/** Gives a claimed task back, PENDING, with what it waits for as its reason. */
export async function release(pool: LedgerPool, claimed: ClaimedTask, reason: string): Promise<boolean> {
  const { job, task, fence, workerId } = claimed;
  const state = move(task.state, { kind: 'release' });
  const entry: AuditEntry = {
    action: 'task.release',
    entity: 'task',
    entityId: task.id,
    reason,
    before: { state: task.state },
    after: { state },
  };
  const { count } = await retryDeadlocks(
    () => pool`
      WITH lease AS (
        DELETE FROM leases WHERE task_id = ${task.id} AND fence = ${fence} RETURNING task_id
      ), held AS (
        UPDATE tasks SET state = ${state}, reason = ${reason}, started_at = NULL
        FROM lease WHERE ${claimedTask(pool, claimed)} AND tasks.id = lease.task_id
        RETURNING tasks.id
      ), audited AS (
        ${insertAudit(pool, { actor: `worker:${workerId}`, traceId: job.traceId }, [entry], pool`EXISTS (SELECT FROM held)`)}
      )
      SELECT FROM held`,
  );
  return count > 0;
}

import type { ClaimedTask } from '@slacktide/application/ports';
import { instantOfId } from '@slacktide/domain';
import type { Fragment } from 'postgres';
import type { LedgerSql } from '../sql.ts';

/** Condition on `tasks`: the claimed task, running under this very claim. */
export function claimedTask(sql: LedgerSql, { task, fence }: ClaimedTask): Fragment {
  return sql`tasks.scheduled_for = ${instantOfId(task.id)} AND tasks.id = ${task.id}
    AND tasks.state = 'RUNNING' AND tasks.fence = ${fence}`;
}

/**
 * Condition on `tasks`: the claimed task, while the claim holds. It ends with the task's run, with a later claim of the task, and
 * when another task took the target after the lease had run out.
 */
export function heldTask(sql: LedgerSql, claimed: ClaimedTask): Fragment {
  return sql`${claimedTask(sql, claimed)}
    AND EXISTS (SELECT FROM leases WHERE leases.task_id = tasks.id AND leases.fence = tasks.fence)`;
}

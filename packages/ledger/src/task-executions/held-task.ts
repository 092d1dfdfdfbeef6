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

/**
 * The ledger's time while the claim holds, else undefined; from then on nobody takes the target over until the transaction ends, while the lease
 * can be renewed. For work of more than one statement.
 */
export async function holdTask(tx: LedgerSql, claimed: ClaimedTask): Promise<Date | undefined> {
  const [held] = await tx<{ at: Date }[]>`
    SELECT clock_timestamp() AS at FROM leases JOIN tasks ON tasks.id = leases.task_id AND tasks.fence = leases.fence
    WHERE ${claimedTask(tx, claimed)} FOR KEY SHARE OF leases`;
  return held?.at;
}

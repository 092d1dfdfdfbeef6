import { instantOfId } from '@slacktide/domain';
import type { LedgerSql } from '../sql.ts';

/**
 * Removes the leases of tasks whose workers let them run out: they have lost the right to act from here on. When each ran out stays written on its task,
 * the first time it is removed: recovery counts its patience from there. The leases are locked, the target, too.
 */
export async function removeExpiredLeases(tx: LedgerSql, taskIds: readonly string[]): Promise<void> {
  if (taskIds.length === 0) return;
  await tx`
    WITH removed AS (
      DELETE FROM leases WHERE task_id = ANY(${taskIds as string[]}::uuid[]) RETURNING task_id, expires_at
    )
    UPDATE tasks SET lease_expired_at = removed.expires_at FROM removed
    WHERE tasks.scheduled_for = ANY(${taskIds.map((id) => instantOfId(id).toISOString())}::timestamptz[]) AND tasks.id = removed.task_id
      AND tasks.state = 'RUNNING' AND tasks.lease_expired_at IS NULL`;
}

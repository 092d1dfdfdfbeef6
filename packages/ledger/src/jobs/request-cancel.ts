import { instantOfId, isTimeOrderedId, type SkipReason } from '@slacktide/domain';
import { cancelChannel } from '../cancel-channel.ts';
import type { LedgerSql } from '../sql.ts';

/**
 * Sets the cancel flag of a job that is not over, ends its PENDING tasks as SKIPPED (`cancelled`), and tells the workers
 * when the transaction commits; false when the job is over or unknown. The first request's time stays.
 */
export async function requestCancel(sql: LedgerSql, id: string, at: Date): Promise<boolean> {
  if (!isTimeOrderedId(id)) return false;
  const reason: SkipReason = 'cancelled';
  const { count } = await sql`
    WITH job AS (
      UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, ${at})
      WHERE scheduled_for = ${instantOfId(id)} AND id = ${id} AND finished_at IS NULL
      RETURNING scheduled_for, id
    ), skipped AS (
      UPDATE tasks SET state = 'SKIPPED', reason = ${reason}, finished_at = ${at}
      FROM job WHERE tasks.scheduled_for = ${instantOfId(id)} AND tasks.scheduled_for = job.scheduled_for AND tasks.job_id = job.id AND tasks.state = 'PENDING'
    )
    SELECT pg_notify(${cancelChannel}, id::text) FROM job`;
  return count === 1;
}

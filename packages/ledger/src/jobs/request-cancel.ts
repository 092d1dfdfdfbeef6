import { instantOfId, isTimeOrderedId, type SkipReason } from '@slacktide/domain';
import type { AuditAuthor } from '../audit/insert-audit.ts';
import { cancelChannel } from '../cancel-channel.ts';
import type { LedgerSql } from '../sql.ts';

/**
 * Sets the cancel flag of a job that is not over, ends its PENDING tasks as SKIPPED (`cancelled`), each with an audit event, and tells the workers
 * when the transaction commits; false when the job is over or unknown. The first request's time stays.
 */
export async function requestCancel(
  sql: LedgerSql,
  id: string,
  at: Date,
  { actor, traceId }: AuditAuthor,
): Promise<boolean> {
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
      RETURNING tasks.id, tasks.state
    ), audited AS (
      INSERT INTO audit_events (at, actor, trace_id, action, entity, entity_id, reason, before, after)
      SELECT clock_timestamp(), ${actor}, ${traceId}, 'task.skip', 'task', id, ${reason},
        '{"state": "PENDING"}', jsonb_build_object('state', state)
      FROM skipped
    )
    SELECT pg_notify(${cancelChannel}, id::text) FROM job`;
  return count === 1;
}

import type { PlannedFlow } from '@slacktide/application/ports';
import { instantOfId, isTimeOrderedId } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';

/** The flows of open jobs with their tasks that are not over; only the days' partitions of these jobs are read. */
export async function listFlows(sql: LedgerSql, jobIds: readonly string[]): Promise<readonly PlannedFlow[]> {
  const wanted = jobIds.filter(isTimeOrderedId).map((id) => ({ id, at: instantOfId(id) }));
  if (wanted.length === 0) return [];
  return sql<PlannedFlow[]>`
    SELECT jobs.id AS job_id, jobs.generation, jobs.trigger, jobs.traceparent, (
      SELECT coalesce(json_agg(json_build_object('id', id, 'key', key, 'type', type, 'needs', needs) ORDER BY position), '[]')
      FROM tasks WHERE tasks.scheduled_for = jobs.scheduled_for AND tasks.job_id = jobs.id AND tasks.finished_at IS NULL
    ) AS tasks
    FROM jsonb_to_recordset(${jsonb(sql, wanted)}) AS wanted (id uuid, at timestamptz)
    JOIN jobs ON jobs.scheduled_for = wanted.at AND jobs.id = wanted.id
    WHERE jobs.finished_at IS NULL AND jobs.state <> 'NEEDS_OPERATOR'`;
}

import type { FlowId, LostFlow } from '@slacktide/application/ports';
import { instantOfId } from '@slacktide/domain';
import { outboxChannel } from '../outbox/add-to-outbox.ts';
import { jsonb, type LedgerSql } from '../sql.ts';

/**
 * One statement for all: generation, message and audit event. A flow was seen to be incomplete *before* this statement looks, and workers
 * write the ledger before they end a delivery: so a task that is open now had lost its delivery then. Jobs that somebody else has locked are
 * left to the next pass.
 */
export async function rebuild(sql: LedgerSql, lost: readonly LostFlow[]): Promise<readonly FlowId[]> {
  if (lost.length === 0) return [];
  const rows = lost.map((flow) => ({ ...flow, at: instantOfId(flow.jobId) }));
  return sql<FlowId[]>`
    WITH lost AS (
      SELECT * FROM jsonb_to_recordset(${jsonb(sql, rows)}) AS flow ("jobId" uuid, generation int, at timestamptz, "missingTaskIds" jsonb)
    ), rebuilt AS (
      SELECT jobs.scheduled_for, jobs.id, jobs.generation, jobs.trace_id, lost."missingTaskIds" AS missing
      FROM lost JOIN jobs ON jobs.scheduled_for = lost.at AND jobs.id = lost."jobId" AND jobs.generation = lost.generation
      WHERE jobs.finished_at IS NULL AND jobs.state <> 'NEEDS_OPERATOR'
        AND NOT EXISTS (SELECT FROM outbox WHERE subject = 'job:' || jobs.id)
        AND (coalesce(jsonb_typeof(lost."missingTaskIds"), 'null') = 'null' OR EXISTS (
          SELECT FROM tasks WHERE tasks.scheduled_for = jobs.scheduled_for AND tasks.job_id = jobs.id
            AND tasks.finished_at IS NULL AND lost."missingTaskIds" ? tasks.id::text))
      FOR NO KEY UPDATE OF jobs SKIP LOCKED
    ), raised AS (
      UPDATE jobs SET generation = jobs.generation + 1 FROM rebuilt
      WHERE jobs.scheduled_for = rebuilt.scheduled_for AND jobs.id = rebuilt.id
      RETURNING jobs.id, jobs.generation, jobs.trace_id, rebuilt.missing
    ), added AS (
      INSERT INTO outbox (subject, message)
      SELECT 'job:' || id, jsonb_build_object('kind', 'flow.add', 'jobId', id, 'generation', generation) FROM raised ORDER BY id
    ), audited AS (
      INSERT INTO audit_events (at, actor, trace_id, action, entity, entity_id, reason, before, after)
      SELECT clock_timestamp(), 'system:reconciler', trace_id, 'job.rebuild', 'job', id::text, 'its flow was gone from Redis',
        jsonb_build_object('generation', generation - 1),
        jsonb_build_object('generation', generation, 'missing_tasks', coalesce(missing, 'null'))
      FROM raised
    )
    SELECT id AS job_id, generation, CASE WHEN row_number() OVER () = 1 THEN pg_notify(${outboxChannel}, '') END FROM raised`.then(
    (raised) => raised.map(({ jobId, generation }) => ({ jobId, generation })),
  );
}

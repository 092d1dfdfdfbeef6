import type { FlowId, OpenFlow, Reconciliation } from '@slacktide/application/ports';
import { instantOfId, isTimeOrderedId } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';

type Page = Parameters<Reconciliation['listOpenFlows']>[0];

/** Materialized: read by the index of open jobs, which are few, never through all that is over. Ids sort by time, as history does. */
export async function listOpenFlows(sql: LedgerSql, { after, limit }: Page): Promise<readonly OpenFlow[]> {
  return sql<OpenFlow[]>`
    WITH open AS MATERIALIZED (
      SELECT scheduled_for, id, generation FROM jobs WHERE finished_at IS NULL AND state <> 'NEEDS_OPERATOR'
    ), page AS (
      SELECT * FROM open
      WHERE ${after === null ? sql`true` : sql`id > ${after}`} AND NOT EXISTS (SELECT FROM outbox WHERE subject = 'job:' || open.id)
      ORDER BY id LIMIT ${limit}
    )
    SELECT page.id AS job_id, page.generation, (
      SELECT coalesce(json_agg(json_build_object('taskId', tasks.id, 'type', tasks.type)), '[]') FROM tasks
      WHERE tasks.scheduled_for = page.scheduled_for AND tasks.job_id = page.id AND tasks.finished_at IS NULL
    ) AS open_tasks
    FROM page ORDER BY page.id`;
}

/**
 * Of `flows`, those that are to stay: their job is open in that generation, or a message about it waits, which may be the flow's removal. Ids that are
 * not ours, and jobs long pruned, are not.
 */
export async function listWanted(sql: LedgerSql, flows: readonly FlowId[]): Promise<readonly FlowId[]> {
  const possible = flows
    .filter(({ jobId }) => isTimeOrderedId(jobId))
    .map((flow) => ({ ...flow, at: instantOfId(flow.jobId) }));
  if (possible.length === 0) return [];
  return sql<FlowId[]>`
    SELECT flow."jobId" AS job_id, flow.generation
    FROM jsonb_to_recordset(${jsonb(sql, possible)}) AS flow ("jobId" uuid, generation int, at timestamptz)
    WHERE EXISTS (
      SELECT FROM jobs WHERE jobs.scheduled_for = flow.at AND jobs.id = flow."jobId" AND jobs.generation = flow.generation
        AND jobs.finished_at IS NULL AND jobs.state <> 'NEEDS_OPERATOR'
    ) OR EXISTS (SELECT FROM outbox WHERE subject = 'job:' || flow."jobId")`;
}

import type { FlowId } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';

/** The delivery that ends a job follows its last task within milliseconds; one that has not come after so many seconds is lost or waits for Redis. */
const graceSeconds = 5;

/** Open jobs of which no task is open, and none ended lately. */
export async function listUnended(sql: LedgerSql, limit: number): Promise<readonly FlowId[]> {
  return sql<FlowId[]>`
    WITH open AS MATERIALIZED (
      SELECT scheduled_for, id, generation FROM jobs WHERE finished_at IS NULL AND state <> 'NEEDS_OPERATOR'
    )
    SELECT id AS job_id, generation FROM open WHERE NOT EXISTS (
      SELECT FROM tasks WHERE tasks.scheduled_for = open.scheduled_for AND tasks.job_id = open.id
        AND (finished_at IS NULL OR finished_at > now() - make_interval(secs => ${graceSeconds}))
    )
    ORDER BY id LIMIT ${limit}`;
}

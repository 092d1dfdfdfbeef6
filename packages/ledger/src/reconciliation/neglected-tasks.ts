import type { StuckTask } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';

/** Running tasks whose lease ran out, or that have none although they began, more than `forMs` ago; the longest running first. */
export async function listStuck(sql: LedgerSql, forMs: number, limit: number): Promise<readonly StuckTask[]> {
  const before = sql`now() - make_interval(secs => ${forMs / 1000})`;
  return sql<StuckTask[]>`
    WITH running AS MATERIALIZED (SELECT scheduled_for, id, job_id, key, type, started_at, lease_expired_at FROM tasks WHERE state = 'RUNNING')
    SELECT running.id AS task_id, running.job_id, running.key, running.type, jobs.target_id
    FROM running JOIN jobs ON jobs.scheduled_for = running.scheduled_for AND jobs.id = running.job_id
      LEFT JOIN leases ON leases.task_id = running.id
    WHERE coalesce(leases.expires_at, running.lease_expired_at, running.started_at) < ${before}
    ORDER BY running.started_at, running.id LIMIT ${limit}`;
}

/** Tasks in NEEDS_OPERATOR, oldest first; their jobs are found by state. */
export async function listUnclear(sql: LedgerSql, limit: number): Promise<readonly StuckTask[]> {
  return sql<StuckTask[]>`
    SELECT tasks.id AS task_id, tasks.job_id, tasks.key, tasks.type, jobs.target_id
    FROM jobs JOIN tasks ON tasks.scheduled_for = jobs.scheduled_for AND tasks.job_id = jobs.id
    WHERE jobs.state = 'NEEDS_OPERATOR' AND tasks.state = 'NEEDS_OPERATOR'
    ORDER BY tasks.id LIMIT ${limit}`;
}

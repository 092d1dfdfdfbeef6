import type { ExpiredTask, Recoveries } from '@slacktide/application/ports';
import type { PendingQuery } from 'postgres';
import type { LedgerPool, LedgerSql } from '../sql.ts';

/** Running tasks whose lease ran out, or was taken away by another claim on the target. */
export async function listExpired(
  pool: LedgerPool,
  request: Parameters<Recoveries['listExpired']>[0],
): Promise<readonly ExpiredTask[]> {
  return await expiredTasks(pool, request);
}

/**
 * Few rows are RUNNING at any time, and the index that serves this holds no others. What a take-over would be refused for, since its target is in
 * use, is left out: any number of such tasks keeps nobody from the others.
 */
export function expiredTasks(
  sql: LedgerSql,
  { types, limit }: Parameters<Recoveries['listExpired']>[0],
): PendingQuery<ExpiredTask[]> {
  return sql<ExpiredTask[]>`
    SELECT tasks.id AS task_id, tasks.type, jobs.target_id, tasks.access,
      extract(epoch FROM now.at - coalesce(leases.expires_at, tasks.lease_expired_at, tasks.started_at))::float8 * 1000 AS expired_for_ms
    FROM tasks
      JOIN jobs ON jobs.scheduled_for = tasks.scheduled_for AND jobs.id = tasks.job_id
      LEFT JOIN leases ON leases.task_id = tasks.id
      CROSS JOIN (SELECT clock_timestamp() AS at) AS now
    WHERE tasks.state = 'RUNNING' AND tasks.type = ANY(${types as string[]})
      AND (leases.expires_at IS NULL OR leases.expires_at <= now.at)
      AND (tasks.recover_after IS NULL OR tasks.recover_after <= now.at)
      AND NOT (tasks.access = 'act' AND tasks.intent_at IS NOT NULL AND EXISTS (
        SELECT FROM leases other WHERE other.target_id = jobs.target_id AND other.task_id <> tasks.id AND other.expires_at > now.at
      ))
    ORDER BY tasks.id LIMIT ${limit}`;
}

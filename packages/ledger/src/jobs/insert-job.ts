import type { NewJob } from '@slacktide/application/ports';
import { jsonb, type LedgerSql } from '../sql.ts';
import { keepTargets } from '../targets/keep-targets.ts';

/**
 * Inserts a job with its tasks, making the day's partitions when they are missing; false when the tick (schedule, target,
 * due time) has its job already.
 * @throws AppError `conflict` when the target is gone.
 */
export async function insertJob(sql: LedgerSql, { tasks, window, ...job }: NewJob): Promise<boolean> {
  const row = { ...job, windowStartHour: window?.startHour ?? null, windowEndHour: window?.endHour ?? null };
  // Sent together: one round trip.
  const [, , [made]] = await Promise.all([
    keepTargets(sql, [job.targetId]),
    sql`SELECT ensure_history_day(${job.scheduledFor})`,
    sql<{ jobs: number }[]>`
      WITH made AS (
        INSERT INTO jobs ${sql(row)} ON CONFLICT DO NOTHING RETURNING scheduled_for, id
      ), made_tasks AS (
        INSERT INTO tasks (scheduled_for, job_id, id, key, type, position, config, needs, state, reason, attempt, crashes,
          time_limit_seconds, progress, result, error, started_at, finished_at)
        SELECT made.scheduled_for, made.id, task.id, key, type, position, config, needs, state, reason, attempt, crashes,
          "timeLimitSeconds", progress, result, error, "startedAt", "finishedAt"
        FROM made, jsonb_to_recordset(${jsonb(sql, tasks)}) AS task (
          id uuid, key text, type text, position smallint, config jsonb, needs jsonb, state text, reason text, attempt int,
          crashes int, "timeLimitSeconds" int, progress float8, result jsonb, error jsonb, "startedAt" timestamptz, "finishedAt" timestamptz
        )
      )
      SELECT count(*) AS jobs FROM made`,
  ]);
  return made?.jobs === 1;
}

import type { LedgerSql } from '../sql.ts';

/** Adds the tasks of a day to the daily figures. Durations in seconds; a task that never began lasted none. */
export async function rollUp(tx: LedgerSql, day: string): Promise<void> {
  const from = new Date(`${day}T00:00:00Z`);
  const to = new Date(from.getTime() + 86_400_000);
  await tx`
    INSERT INTO daily_figures (day, schedule_id, target_id, task_type, state, task_count, total_seconds, max_seconds)
    SELECT ${day}::date, coalesce(schedule_id, ''), target_id, type, task.state, count(*), sum(seconds), max(seconds)
    FROM tasks AS task
    JOIN jobs AS job ON job.scheduled_for = task.scheduled_for AND job.id = task.job_id,
    LATERAL (SELECT coalesce(extract(epoch FROM task.finished_at - task.started_at), 0)::float8 AS seconds) AS lasted
    WHERE task.scheduled_for >= ${from} AND task.scheduled_for < ${to}
      AND job.scheduled_for >= ${from} AND job.scheduled_for < ${to}
    GROUP BY coalesce(schedule_id, ''), target_id, type, task.state
    ON CONFLICT (day, schedule_id, target_id, task_type, state) DO UPDATE SET
      task_count = daily_figures.task_count + excluded.task_count,
      total_seconds = daily_figures.total_seconds + excluded.total_seconds,
      max_seconds = greatest(daily_figures.max_seconds, excluded.max_seconds)`;
}

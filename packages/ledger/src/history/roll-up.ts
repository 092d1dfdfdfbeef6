import type { LedgerSql } from '../sql.ts';

/** Adds the tasks of a day to the daily figures. Durations in seconds; a task that never began lasted none. */
export async function rollUp(tx: LedgerSql, day: string): Promise<void> {
  const suffix = day.replaceAll('-', '');
  await tx`
    INSERT INTO daily_figures (day, schedule_id, target_id, task_type, state, task_count, total_seconds, max_seconds)
    SELECT ${day}::date, coalesce(schedule_id, ''), target_id, type, task.state, count(*), sum(seconds), max(seconds)
    FROM ${tx(`tasks_${suffix}`)} AS task
    JOIN ${tx(`jobs_${suffix}`)} AS job ON job.scheduled_for = task.scheduled_for AND job.id = task.job_id,
    LATERAL (SELECT coalesce(extract(epoch FROM task.finished_at - task.started_at), 0)::float8 AS seconds) AS lasted
    GROUP BY coalesce(schedule_id, ''), target_id, type, task.state
    ON CONFLICT (day, schedule_id, target_id, task_type, state) DO UPDATE SET
      task_count = daily_figures.task_count + excluded.task_count,
      total_seconds = daily_figures.total_seconds + excluded.total_seconds,
      max_seconds = greatest(daily_figures.max_seconds, excluded.max_seconds)`;
}

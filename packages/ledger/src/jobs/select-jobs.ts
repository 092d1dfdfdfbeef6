import type { JobWithTasks, TaskWithSteps } from '@slacktide/application/ports';
import type { Step } from '@slacktide/domain';
import type postgres from 'postgres';
import type { LedgerSql } from '../sql.ts';
import { type JobRow, toJob } from './job-row.ts';

/** A job row with its tasks and steps as JSON, where instants are text. */
export interface JobTreeRow extends JobRow {
  readonly tasks: readonly (Timeless<TaskWithSteps> & { readonly steps: readonly Timeless<Step>[] })[];
}
type Timeless<T> = Omit<T, 'startedAt' | 'finishedAt'> & {
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
};

/**
 * The jobs of `page` (a SELECT of rows of `jobs`) with tasks and steps, newest first: one statement, so one moment. Only
 * the day's partitions of tasks and steps are read.
 */
export function selectJobs(sql: LedgerSql, page: postgres.Fragment): postgres.PendingQuery<JobTreeRow[]> {
  return sql<JobTreeRow[]>`
    SELECT job.*, (
      SELECT coalesce(json_agg(task ORDER BY task.position), '[]') FROM (
        SELECT id, job_id AS "jobId", key, type, position, config, needs, state, reason, attempt, crashes,
          time_limit_seconds AS "timeLimitSeconds", progress, result, error,
          started_at AS "startedAt", finished_at AS "finishedAt", (
            SELECT coalesce(json_agg(step ORDER BY step.position), '[]') FROM (
              SELECT key, position, state, reason, object, statement, phase, percent, eta_seconds AS "etaSeconds", result,
                error, started_at AS "startedAt", finished_at AS "finishedAt"
              FROM steps WHERE steps.scheduled_for = tasks.scheduled_for AND steps.task_id = tasks.id
            ) AS step
          ) AS steps
        FROM tasks WHERE tasks.scheduled_for = job.scheduled_for AND tasks.job_id = job.id
      ) AS task
    ) AS tasks
    FROM (${page}) AS job
    ORDER BY job.scheduled_for DESC, job.id DESC`;
}

/** The job of such a row. */
export function toJobWithTasks({ tasks, ...job }: JobTreeRow): JobWithTasks {
  return { ...toJob(job), tasks: tasks.map((task) => ({ ...timed(task), steps: task.steps.map(timed) })) };
}

function timed<T extends Timeless<object>>(row: T) {
  return { ...row, startedAt: toInstant(row.startedAt), finishedAt: toInstant(row.finishedAt) };
}

function toInstant(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

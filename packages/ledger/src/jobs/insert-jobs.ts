import type { NewJob } from '@slacktide/application/ports';
import { jsonb, type LedgerSql } from '../sql.ts';

/** Jobs sent in one statement: about a megabyte of text. */
const mostAtOnce = 1_000;

/**
 * Inserts jobs with their tasks, making the partitions of their days when they are missing. Returns the ids of those whose tick
 * (schedule, target, due time) had no job yet. Their targets must be kept from deletion by the caller.
 */
export async function insertJobs(sql: LedgerSql, jobs: readonly NewJob[]): Promise<ReadonlySet<string>> {
  const made = new Set<string>();
  for (let from = 0; from < jobs.length; from += mostAtOnce) {
    for (const { id } of await insertSome(sql, jobs.slice(from, from + mostAtOnce))) made.add(id);
  }
  return made;
}

async function insertSome(sql: LedgerSql, jobs: readonly NewJob[]): Promise<readonly { id: string }[]> {
  const rows = jobs.map(({ tasks: _, window, ...job }) => ({
    ...job,
    windowStartHour: window?.startHour ?? null,
    windowEndHour: window?.endHour ?? null,
  }));
  // Sent together: one round trip.
  const [, made] = await Promise.all([
    sql`SELECT ensure_history_day(day) FROM unnest(${instantsOfDays(jobs)}::timestamptz[]) AS day`,
    sql<{ id: string }[]>`
      WITH made AS (
        INSERT INTO jobs (id, scheduled_for, schedule_id, target_id, trigger, state, reason, started_at, finished_at,
          halt_on_task_failure, window_start_hour, window_end_hour, generation, after_job_id, halted, cancel_requested_at,
          trace_id, traceparent, requested_by)
        SELECT id, "scheduledFor", "scheduleId", "targetId", trigger, state, reason, "startedAt", "finishedAt",
          "haltOnTaskFailure", "windowStartHour", "windowEndHour", generation, "afterJobId", halted, "cancelRequestedAt",
          "traceId", traceparent, "requestedBy"
        FROM jsonb_to_recordset(${jsonb(sql, rows)}) AS job (
          id uuid, "scheduledFor" timestamptz, "scheduleId" text, "targetId" text, trigger text, state text, reason text,
          "startedAt" timestamptz, "finishedAt" timestamptz, "haltOnTaskFailure" boolean, "windowStartHour" smallint,
          "windowEndHour" smallint, generation int, "afterJobId" uuid, halted boolean, "cancelRequestedAt" timestamptz,
          "traceId" text, traceparent text, "requestedBy" text
        )
        ON CONFLICT DO NOTHING RETURNING scheduled_for, id
      ), made_tasks AS (
        INSERT INTO tasks (scheduled_for, job_id, id, key, type, position, config, needs, state, reason, attempt, crashes,
          time_limit_seconds, progress, result, error, started_at, finished_at)
        SELECT made.scheduled_for, made.id, task.id, key, type, position, config, needs, state, reason, attempt, crashes,
          "timeLimitSeconds", progress, result, error, "startedAt", "finishedAt"
        FROM jsonb_to_recordset(${jsonb(
          sql,
          jobs.flatMap(({ tasks }) => tasks),
        )}) AS task (
          id uuid, "jobId" uuid, key text, type text, position smallint, config jsonb, needs jsonb, state text, reason text,
          attempt int, crashes int, "timeLimitSeconds" int, progress float8, result jsonb, error jsonb,
          "startedAt" timestamptz, "finishedAt" timestamptz
        )
        JOIN made ON made.id = task."jobId"
      )
      SELECT id FROM made`,
  ]);
  return made;
}

/** An instant of each UTC day that a job is of. */
function instantsOfDays(jobs: readonly NewJob[]): string[] {
  const instants = jobs.map(({ scheduledFor }) => scheduledFor.toISOString());
  return [...new Map(instants.map((instant) => [instant.slice(0, 10), instant])).values()];
}

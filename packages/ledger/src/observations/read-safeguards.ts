import type { SafeguardFigures } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';
import { indexTaskTypes, observingTaskTypes, safeguardReasons } from './safeguard-reasons.ts';

const historyHours = 24;
const touchesIndex = '\\m(REINDEX|CREATE( UNIQUE)? INDEX|DROP INDEX)\\M';

/** What the history of the last day says about safeguards, of jobs that were due since. */
export async function readSafeguards(sql: LedgerSql, targetId: string): Promise<SafeguardFigures> {
  const { rateLimited, notLocked, lockTimeout, outsideWindow, underLoad } = safeguardReasons;
  const since = sql`now() - ${historyHours} * interval '1 hour'`;
  const [row] = await sql<[SafeguardFigures]>`
    WITH job AS MATERIALIZED (
      SELECT scheduled_for, id, reason FROM jobs WHERE target_id = ${targetId} AND scheduled_for >= ${since}
    ), task AS MATERIALIZED (
      SELECT tasks.scheduled_for, tasks.id, tasks.job_id, tasks.type, tasks.reason, tasks.result, tasks.error ->> 'code' AS code
      FROM job JOIN tasks ON tasks.scheduled_for = job.scheduled_for AND tasks.job_id = job.id WHERE tasks.scheduled_for >= ${since}
    ), step AS MATERIALIZED (
      SELECT task.id AS task_id, task.type, steps.key, steps.state, steps.reason, steps.statement, steps.started_at, steps.error ->> 'code' AS code
      FROM task JOIN steps ON steps.scheduled_for = task.scheduled_for AND steps.task_id = task.id WHERE steps.scheduled_for >= ${since}
    ), attempt AS (
      SELECT state FROM step WHERE type = ANY(${[...indexTaskTypes]}) AND statement ~* ${touchesIndex}
        AND started_at IS NOT NULL AND state <> 'SKIPPED'
    ), left_out AS (
      SELECT task.id AS task_id, object ->> 'object' AS object, object ->> 'reason' AS reason
      FROM task, jsonb_array_elements(coalesce(result -> 'skipped', '[]') || coalesce(result -> 'unknown', '[]')) AS object
    ), unlocked_object AS ( -- a step's reason is in its task's result, too, once that is over
      SELECT task_id, object FROM left_out WHERE reason = ANY(${[...notLocked]})
      UNION SELECT task_id, key FROM step WHERE reason = ANY(${[...notLocked]}) OR code = ${lockTimeout}
    ), unlocked_task AS ( -- as is its code
      SELECT FROM task WHERE reason = ANY(${[...notLocked]})
        OR (code = ${lockTimeout} AND NOT EXISTS (SELECT FROM step WHERE step.task_id = task.id AND step.code = ${lockTimeout}))
    )
    SELECT ${since} AS since,
      (SELECT count(*)::int FROM attempt) AS index_attempts,
      (SELECT count(*)::int FROM attempt WHERE state = 'SUCCEEDED') AS index_successes,
      (SELECT count(*)::int FROM left_out WHERE reason ~ ${rateLimited}) AS rate_limited,
      (SELECT count(*)::int FROM (SELECT reason FROM task UNION ALL SELECT reason FROM step) AS each WHERE reason = ${underLoad}) AS load_throttled,
      (SELECT count(*)::int FROM unlocked_object) + (SELECT count(*)::int FROM unlocked_task) AS lock_failures,
      (SELECT count(*)::int FROM task WHERE reason = ANY(${[...outsideWindow]}))
        + (SELECT count(*)::int FROM job WHERE reason = ANY(${[...outsideWindow]}) AND NOT EXISTS (
          SELECT FROM task WHERE task.job_id = job.id AND task.reason = ANY(${[...outsideWindow]}))) AS window_skips,
      (SELECT coalesce(array_agg(schedules.id ORDER BY schedules.id), '{}') FROM schedules JOIN targets ON targets.id = ${targetId}
        WHERE enabled AND window_start_hour IS NULL
          AND (schedules.targets -> 'ids' ? targets.id OR targets.labels @> (schedules.targets -> 'labels'))
          AND EXISTS (SELECT FROM jsonb_array_elements(tasks) AS task WHERE task ->> 'type' <> ALL(${[...observingTaskTypes]}))
      ) AS schedules_without_window`;
  return { ...row };
}

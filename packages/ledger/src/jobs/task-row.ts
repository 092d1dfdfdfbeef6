import type { Task } from '@slacktide/domain';
import type { tasks } from '../schema/tasks.ts';

/** A row of `tasks` as `SELECT *` returns it. */
export type TaskRow = typeof tasks.$inferSelect;

/** The task of a row, without what only claims and recovery need. */
export function toTask(row: TaskRow): Task {
  const { id, jobId, key, type, position, config, needs, state, reason } = row;
  const { attempt, crashes, timeLimitSeconds, progress, result, error, startedAt, finishedAt } = row;
  return {
    id,
    jobId,
    key,
    type,
    position,
    config,
    needs,
    state,
    reason,
    attempt,
    crashes,
    timeLimitSeconds,
    progress,
    result,
    error,
    startedAt,
    finishedAt,
  };
}

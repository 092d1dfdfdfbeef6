import type { ClaimedTask, NewFollowUp } from '@slacktide/application/ports';
import { jsonb, type LedgerPool } from '../sql.ts';
import { heldTask } from '../task-executions/held-task.ts';

/** Keeps what a task asks for; false = the right to write is gone, and nothing was written. */
export async function recordFollowUp(
  pool: LedgerPool,
  claimed: ClaimedTask,
  { type, config, window, timeLimitSeconds, reason }: NewFollowUp,
): Promise<boolean> {
  const { count } = await pool`
    INSERT INTO follow_ups (target_id, asked_by_job_id, type, config, window_start_hour, window_end_hour, time_limit_seconds, reason)
    SELECT ${claimed.target.id}, tasks.job_id, ${type}, ${jsonb(pool, config)}, ${window?.startHour ?? null}::int, ${window?.endHour ?? null}::int,
      ${timeLimitSeconds}::int, ${reason}
    FROM tasks WHERE ${heldTask(pool, claimed)}`;
  return count > 0;
}

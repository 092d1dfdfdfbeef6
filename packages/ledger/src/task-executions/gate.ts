import type { ClaimedTask, TaskExecutions } from '@slacktide/application/ports';
import { decideClaim, windowClosesAt } from '@slacktide/domain';
import { type JobRow, toJob } from '../jobs/job-row.ts';
import type { LedgerPool } from '../sql.ts';
import { heldTask } from './held-task.ts';

/**
 * Asks once more what the claim asked, as if the task were still to be claimed: cancel, halt and window decide. That another task of the job
 * waits for a person keeps nothing from going on that has begun. A claim that is gone finds the gate closed with `target_busy`.
 */
export async function gate(pool: LedgerPool, claimed: ClaimedTask): ReturnType<TaskExecutions['gate']> {
  const [row] = await pool<(JobRow & { now: Date; isHeld: boolean })[]>`
    SELECT jobs.*, clock_timestamp() AS now, EXISTS (SELECT FROM tasks WHERE ${heldTask(pool, claimed)}) AS is_held
    FROM jobs WHERE scheduled_for = ${claimed.job.scheduledFor} AND id = ${claimed.job.id}`;
  if (row === undefined) return { kind: 'closed', reason: 'target_busy' };

  const { now, isHeld, ...jobRow } = row;
  const job = toJob(jobRow);
  const decision = decideClaim({
    job: job.state === 'NEEDS_OPERATOR' ? { ...job, state: 'RUNNING' } : job,
    task: { ...claimed.task, state: 'PENDING', reason: null },
    generation: job.generation,
    needs: [],
    targetBusy: !isHeld,
    waitedMs: 0,
    queued: false,
    clockSkewMs: 0,
    now,
  });
  switch (decision.kind) {
    case 'claim':
      return { kind: 'open', closesInMs: msUntil(windowClosesAt(job.window, now), now) };
    case 'skip':
      return { kind: 'closed', reason: decision.reason };
    case 'over':
    case 'not_yet':
      return { kind: 'closed', reason: 'target_busy' };
  }
}

function msUntil(at: Date | null, now: Date): number | null {
  return at === null ? null : at.getTime() - now.getTime();
}

import type { ClaimedTask, StepRecord } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';
import { auditSteps } from './audit-steps.ts';
import { heldTask } from './held-task.ts';
import { upsertSteps } from './upsert-steps.ts';

/** Writes the task's percentage and its steps, in one statement. */
export async function recordProgress(
  pool: LedgerPool,
  claimed: ClaimedTask,
  { steps, percent }: { steps: readonly StepRecord[]; percent: number | null },
): Promise<boolean> {
  const { count } = await pool`
    WITH held AS (
      UPDATE tasks SET progress = ${percent} WHERE ${heldTask(pool, claimed)} RETURNING scheduled_for, id
    ), written AS (${upsertSteps(pool, steps)}) ${auditSteps(pool, claimed, steps)}
    SELECT FROM held`;
  return count > 0;
}

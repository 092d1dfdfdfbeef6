import type { ClaimedTask, Sample } from '@slacktide/application/ports';
import { jsonb, type LedgerPool } from '../sql.ts';
import { heldTask } from './held-task.ts';

/** Keeps figures of the target, all of one moment. */
export async function recordSamples(
  pool: LedgerPool,
  claimed: ClaimedTask,
  samples: readonly Sample[],
): Promise<boolean> {
  const { count } = await pool`
    WITH held AS (SELECT id FROM tasks WHERE ${heldTask(pool, claimed)}), written AS (
      INSERT INTO target_samples (target_id, metric, object, values, task_id)
      SELECT ${claimed.target.id}, metric, object, values, held.id
      FROM held, jsonb_to_recordset(${jsonb(pool, samples)}) AS sample (metric text, object text, values jsonb)
    )
    SELECT FROM held`;
  return count > 0;
}

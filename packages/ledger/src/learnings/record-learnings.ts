import type { ClaimedTask, LearningKind, NewLearning } from '@slacktide/application/ports';
import { jsonb, type LedgerPool } from '../sql.ts';
import { holdTask } from '../task-executions/held-task.ts';

/** Replaces what was known of a kind; what is known still keeps the day it was learned first. False = the right to write is gone, and nothing was written. */
export async function recordLearnings(
  pool: LedgerPool,
  claimed: ClaimedTask,
  kind: LearningKind,
  learned: readonly NewLearning[],
): Promise<boolean> {
  return await pool.begin(async (tx) => {
    const at = await holdTask(tx, claimed);
    if (at === undefined) return false;
    const targetId = claimed.target.id;
    await tx`
      DELETE FROM learnings WHERE target_id = ${targetId} AND kind = ${kind} AND key <> ALL(${learned.map(({ key }) => key)}::text[])`;
    await tx`
      INSERT INTO learnings (target_id, kind, key, value, learned_at)
      SELECT ${targetId}, ${kind}, key, value, ${at} FROM jsonb_to_recordset(${jsonb(tx, learned)}) AS entry (key text, value jsonb)
      ON CONFLICT (target_id, kind, key) DO UPDATE SET value = excluded.value, learned_at = excluded.learned_at`;
    return true;
  });
}

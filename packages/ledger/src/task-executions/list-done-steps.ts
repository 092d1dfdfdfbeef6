import type { ClaimedTask } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';

/** Keys of the steps that earlier attempts at the task saw through, in their order. */
export async function listDoneSteps(pool: LedgerPool, { job, task }: ClaimedTask): Promise<readonly string[]> {
  const rows = await pool<{ key: string }[]>`
    SELECT key FROM steps WHERE scheduled_for = ${job.scheduledFor} AND task_id = ${task.id} AND state = 'SUCCEEDED' ORDER BY position`;
  return rows.map(({ key }) => key);
}

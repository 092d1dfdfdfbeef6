import type { ClaimedTask, Intent } from '@slacktide/application/ports';
import { jsonb, type LedgerPool } from '../sql.ts';
import { heldTask } from './held-task.ts';

/** Writes which session is about to act, and counts the attempt. */
export async function recordIntent(pool: LedgerPool, claimed: ClaimedTask, intent: Intent): Promise<boolean> {
  const { count } = await pool`
    UPDATE tasks SET attempt = attempt + 1, intent_at = clock_timestamp(), intent_pid = ${intent.pid},
      intent_backend_start = ${intent.backendStart}, intent_application_name = ${intent.applicationName},
      intent_epoch = ${jsonb(pool, intent.epoch)}
    WHERE ${heldTask(pool, claimed)}`;
  return count > 0;
}

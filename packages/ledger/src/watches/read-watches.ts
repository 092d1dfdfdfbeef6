import type { RollbackPoint, RollbackPointReader, Watch } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';
import { isUuid } from './is-uuid.ts';
import { toWatch, type WatchRow } from './watch-row.ts';

/** A watch on a target. */
export async function selectWatch(sql: LedgerSql, targetId: string, id: string): Promise<Watch | undefined> {
  if (!isUuid(id)) return undefined;
  const [row] = await sql<WatchRow[]>`SELECT * FROM watches WHERE id = ${id} AND target_id = ${targetId}`;
  return row && toWatch(row);
}

/** How to take back what a job did, newest first; `targetId` = on this target only. */
export async function selectRollbackPoints(
  sql: LedgerSql,
  jobId: string,
  targetId?: string,
): Promise<readonly RollbackPoint[]> {
  if (!isUuid(jobId)) return [];
  return await sql<RollbackPoint[]>`
    SELECT id, target_id, job_id, task_id, object, summary, statements, state, created_at, used_by_job_id FROM rollback_points
    WHERE job_id = ${jobId} ${targetId === undefined ? sql`` : sql`AND target_id = ${targetId}`}
    ORDER BY created_at DESC, id DESC`;
}

/** What was over long ago is forgotten with the way to take it back. */
export async function pruneWatches(sql: LedgerSql): Promise<void> {
  await sql`DELETE FROM watches WHERE finished_at <= now() - interval '90 days'`;
}

export function createRollbackPointReader(sql: LedgerSql): RollbackPointReader {
  return { listOfJob: (jobId) => selectRollbackPoints(sql, jobId) };
}

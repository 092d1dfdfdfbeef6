import type { NewJob } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';
import { keepTargets } from '../targets/keep-targets.ts';
import { insertJobs } from './insert-jobs.ts';

/**
 * Inserts a job with its tasks; false when the tick (schedule, target, due time) has its job already.
 * @throws AppError `conflict` when the target is gone.
 */
export async function insertJob(sql: LedgerSql, job: NewJob): Promise<boolean> {
  // Sent together: one round trip.
  const [, made] = await Promise.all([keepTargets(sql, [job.targetId]), insertJobs(sql, [job])]);
  return made.has(job.id);
}

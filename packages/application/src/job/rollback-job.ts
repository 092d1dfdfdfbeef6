import type { Job as JobView } from '@slacktide/contract';
import { isTerminal } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { earlierResult } from '../earlier-result.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { singleTask, startTask } from './start-task.ts';

/**
 * Takes back what a job did, as an ad-hoc job without a window: by the rollback points it wrote, which outlive the job itself.
 * @throws AppError `not_found` | `conflict` when the job is not over, or left nothing that could be taken back
 */
export async function rollbackJob(
  deps: Pick<Deps, 'ledger' | 'randomBytes' | 'taskTypes'>,
  ctx: RequestContext,
  { id }: { readonly id: string },
): Promise<JobView> {
  const earlier = await earlierResult<JobView>(deps.ledger, ctx);
  if (earlier !== undefined) return earlier;
  const [job, points] = await Promise.all([deps.ledger.jobs.get(id), deps.ledger.rollbackPoints.listOfJob(id)]);
  const [point] = points;
  if (point === undefined) found(job, 'job', id);
  if (job !== undefined && !isTerminal(job.state)) {
    throw new AppError('conflict', `The job is not over: ${job.state}. Cancel it first, or say what became of it`);
  }
  if (point === undefined || !points.some(({ state }) => state === 'armed' || state === 'prepared')) {
    const why = points.length === 0 ? 'it left no rollback point' : 'everything was taken back, or never done';
    throw new AppError('conflict', `There is nothing to take back of the job: ${why}`);
  }
  const task = singleTask(deps.taskTypes, 'ROLLBACK', { job_id: id });
  return await startTask(deps, ctx, { targetId: point.targetId, task });
}

import type { CheckRunInput, Job as JobView } from '@slacktide/contract';
import { invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { singleTask, startTask } from '../job/start-task.ts';
import type { RequestContext } from '../ports/index.ts';

/**
 * Runs checks on a target now, as an ad-hoc job.
 * @throws AppError `invalid_request` with pointers such as `/config/unused_index/min_scans`
 */
export async function runChecks(
  deps: Pick<Deps, 'ledger' | 'randomBytes' | 'taskTypes'>,
  ctx: RequestContext,
  input: CheckRunInput,
): Promise<JobView> {
  const checks = input.checks === 'all' ? [] : [...new Set(input.checks)];
  const task = singleTask(deps.taskTypes, 'DATABASE_CHECK', { checks, config: input.config });
  const target = await deps.ledger.targets.get(input.target_id);
  if (target === undefined) throw invalid('/target_id', 'unknown_target', `There is no target ${input.target_id}`);
  return await startTask(deps, ctx, { targetId: target.id, task });
}

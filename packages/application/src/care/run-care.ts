import type { CareRunInput, Job as JobView } from '@slacktide/contract';
import { invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { singleTask, startTask } from '../job/start-task.ts';
import type { RequestContext } from '../ports/index.ts';

/** Runs care on a target now, as an ad-hoc job. @throws AppError `invalid_request` */
export async function runCare(
  deps: Pick<Deps, 'ledger' | 'randomBytes' | 'taskTypes'>,
  ctx: RequestContext,
  input: CareRunInput,
): Promise<JobView> {
  const target = await deps.ledger.targets.get(input.target_id);
  if (target === undefined) throw invalid('/target_id', 'unknown_target', `There is no target ${input.target_id}`);
  const task = singleTask(deps.taskTypes, 'POSTGRES_CARE', { force: input.force });
  return await startTask(deps, ctx, { targetId: target.id, task });
}

import type { PlanInput, Plan as PlanView } from '@slacktide/contract';
import { AppError, invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { checkTasks } from '../task-type/check-tasks.ts';
import { planView } from '../view/plan-view.ts';
import { planTasks } from './plan-tasks.ts';

/**
 * A dry run: what these tasks would do on a target now, by the planner that the real run uses (law 10).
 * @throws AppError `invalid_request` | `target_unreachable` | `no_worker`
 */
export async function previewPlan(
  deps: Pick<Deps, 'ledger' | 'inquiries' | 'inquiryTimeoutMs' | 'taskTypes'>,
  _ctx: RequestContext,
  input: PlanInput,
): Promise<PlanView> {
  const checked = checkTasks(deps.taskTypes, input.tasks);
  if (checked.kind === 'problems') {
    throw new AppError('invalid_request', 'The tasks are not valid', { problems: checked.problems });
  }
  const target = await deps.ledger.targets.get(input.target_id);
  if (target === undefined) throw invalid('/target_id', 'unknown_target', `There is no target ${input.target_id}`);
  const plans = await planTasks(deps, target, checked.tasks, {
    target: '/target_id',
    config: (task, pointer) => (pointer === '' ? `/tasks/${task}` : `/tasks/${task}/config${pointer}`),
  });
  const planned = checked.tasks.map((task, at) => {
    const plan = plans[at];
    if (plan === undefined) throw new Error(`a worker planned ${plans.length} of ${checked.tasks.length} tasks`);
    return { task, plan };
  });
  return planView(target.id, planned);
}

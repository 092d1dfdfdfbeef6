import { type AssessInput, Assessment } from '@slacktide/contract';
import { invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { singleTask } from '../job/start-task.ts';
import { planTasks } from '../plan/plan-tasks.ts';
import type { RequestContext } from '../ports/index.ts';

/**
 * Has a worker judge a statement: by its plan, what was seen of statements like it, and the model where that is any good. The statement is planned, never run
 * and never kept.
 * @throws AppError `invalid_request` for what is not one statement, `target_unreachable`, `no_worker`
 */
export async function assessQuery(
  deps: Pick<Deps, 'ledger' | 'inquiries' | 'inquiryTimeoutMs' | 'taskTypes'>,
  _ctx: RequestContext,
  input: AssessInput,
): Promise<Assessment> {
  const target = await deps.ledger.targets.get(input.target_id);
  if (target === undefined) throw invalid('/target_id', 'unknown_target', `There is no target ${input.target_id}`);
  const task = singleTask(deps.taskTypes, 'QUERY_ASSESSMENT', { sql: input.sql });
  const [plan] = await planTasks(deps, target, [task], { target: '/target_id', config: () => '/sql' });
  return Assessment.parse(plan?.steps[0]?.data['assessment']);
}

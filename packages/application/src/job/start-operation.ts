import type { Job as JobView, OperationInput } from '@slacktide/contract';
import type { Target, TaskSpec } from '@slacktide/domain';
import { AppError, invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { earlierResult } from '../earlier-result.ts';
import { planTasks } from '../plan/plan-tasks.ts';
import type { RequestContext, TargetReaderStore } from '../ports/index.ts';
import { operationPointer, operationTask } from './operation-task.ts';
import { startTask } from './start-task.ts';

/** How long to wait for a look that may be left out. */
const shortLookMs = 5_000;

/**
 * Starts one operation now, as an ad-hoc job without a window. A worker plans it first, so that a table the target lacks
 * is refused before anything has begun. Where no table is named there is nothing to look up: without a worker the job waits for one.
 * @throws AppError `invalid_request` | `target_unreachable` | `no_worker`
 */
export async function startOperation(
  deps: Pick<Deps, 'ledger' | 'inquiries' | 'inquiryTimeoutMs' | 'taskTypes' | 'randomBytes'>,
  ctx: RequestContext,
  input: OperationInput,
): Promise<JobView> {
  const earlier = await earlierResult<JobView>(deps.ledger, ctx);
  if (earlier !== undefined) return earlier;
  const task = operationTask(deps.taskTypes, input);
  const target = await targetOf(deps.ledger.targets, input.target);
  await checkOnTarget(deps, target, task, input);
  return await startTask(deps, ctx, { targetId: target.id, task });
}

async function checkOnTarget(
  deps: Pick<Deps, 'inquiries' | 'inquiryTimeoutMs'>,
  target: Target,
  task: TaskSpec,
  { tables }: OperationInput,
): Promise<void> {
  const mayWait = tables.length === 0;
  const inquiryTimeoutMs = mayWait ? Math.min(shortLookMs, deps.inquiryTimeoutMs) : deps.inquiryTimeoutMs;
  const pointers = { target: '/target', config: (_task: number, pointer: string) => operationPointer(pointer) };
  try {
    await planTasks({ ...deps, inquiryTimeoutMs }, target, [task], pointers);
  } catch (error) {
    if (!(mayWait && error instanceof AppError && error.code === 'no_worker')) throw error;
  }
}

/** The target named, or the only one there is. */
async function targetOf(targets: Pick<TargetReaderStore, 'get' | 'list'>, id: string | undefined): Promise<Target> {
  if (id !== undefined) {
    const named = await targets.get(id);
    if (named === undefined) throw invalid('/target', 'unknown_target', `There is no target ${id}`);
    return named;
  }
  const { items, nextCursor } = await targets.list({ limit: 20 });
  const [only, ...others] = items;
  if (only === undefined) throw invalid('/target', 'required', 'There is no target yet: register one first');
  if (others.length === 0) return only;
  const names = items.map((target) => target.id).join(', ') + (nextCursor === null ? '' : ', …');
  throw invalid('/target', 'required', `There is more than one target, name the one that is meant: ${names}`);
}

import type { Job as JobView } from '@slacktide/contract';
import { type JsonObject, normaliseTasks, type TaskSpec } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { checkConfig } from '../task-type/check-config.ts';
import { offDetail, type TaskTypeCatalog } from '../task-type/task-type-catalog.ts';
import { newJobView } from '../view/job-view.ts';
import { jobCreated } from './job-audit.ts';
import { addJob, newJob } from './new-job.ts';

/**
 * The one task of an ad-hoc job; problems of its configuration are where `pointerOf` says.
 * @throws AppError `invalid_request`
 */
export function singleTask(
  catalog: TaskTypeCatalog,
  type: string,
  config: JsonObject,
  pointerOf: (pointer: string) => string = (pointer) => pointer,
): TaskSpec {
  const taskType = catalog.get(type);
  if (taskType === undefined) throw new AppError('invalid_request', `There is no task type ${type} here`);
  if (catalog.isOff(type)) throw new AppError('conflict', offDetail(taskType));
  const checked = checkConfig(taskType, config, '');
  if (checked.kind === 'problems') {
    const problems = checked.problems.map((problem) => ({ ...problem, pointer: pointerOf(problem.pointer) }));
    throw new AppError('invalid_request', problems[0]?.detail ?? 'The configuration is not valid', { problems });
  }
  const normalised = normaliseTasks([{ type, config: checked.config }]);
  if (normalised.kind === 'problems' || normalised.tasks[0] === undefined) throw new Error(`${type} is no task type`);
  return normalised.tasks[0];
}

/** Makes an ad-hoc job of one task, without a window, now. */
export async function startTask(
  deps: Pick<Deps, 'ledger' | 'randomBytes'>,
  ctx: RequestContext,
  input: { readonly targetId: string; readonly task: TaskSpec },
): Promise<JobView> {
  return await deps.ledger.transaction(ctx, async (tx) => {
    const now = await tx.now();
    const job = newJob({
      trigger: 'adhoc',
      scheduleId: null,
      targetId: input.targetId,
      tasks: [input.task],
      haltOnTaskFailure: true,
      window: null,
      scheduledFor: now,
      now,
      traceId: ctx.traceId,
      traceparent: ctx.traceparent,
      requestedBy: ctx.actor.name,
      idBytes: () => deps.randomBytes(16),
    });
    await addJob(tx, job);
    return { result: newJobView(job), audit: [jobCreated(job)] };
  });
}

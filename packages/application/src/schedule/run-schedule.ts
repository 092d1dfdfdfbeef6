import type { StartedJobs } from '@slacktide/contract';
import type { TaskSpec } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { jobCreated } from '../job/job-audit.ts';
import { addJob, newJob } from '../job/new-job.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { offDetail, type TaskTypeCatalog } from '../task-type/task-type-catalog.ts';
import { newJobView } from '../view/job-view.ts';
import { selectTargets } from './select-targets.ts';

/**
 * Runs a schedule now, enabled or not: one job for each of its targets. Outside its window the jobs are SKIPPED.
 * @throws AppError `not_found` | `conflict` when no target carries its labels, or a task of it is switched off
 */
export async function runSchedule(
  deps: Pick<Deps, 'ledger' | 'randomBytes' | 'taskTypes'>,
  ctx: RequestContext,
  input: { readonly id: string },
): Promise<StartedJobs> {
  return await deps.ledger.transaction(ctx, async (tx) => {
    const schedule = found(await tx.schedules.get(input.id), 'schedule', input.id);
    refuseOff(deps.taskTypes, schedule.tasks);
    const now = await tx.now();
    const targets = await selectTargets(tx.targets, schedule.targets);
    const jobs = targets.map((target) =>
      newJob({
        trigger: 'manual',
        scheduleId: schedule.id,
        targetId: target.id,
        tasks: schedule.tasks,
        haltOnTaskFailure: schedule.haltOnTaskFailure,
        window: schedule.window,
        scheduledFor: now,
        now,
        traceId: ctx.traceId,
        traceparent: ctx.traceparent,
        requestedBy: ctx.actor.name,
        idBytes: () => deps.randomBytes(16),
      }),
    );
    const [first, ...rest] = jobs;
    if (first === undefined) throw new AppError('conflict', 'No target carries the labels of this schedule');
    for (const job of jobs) await addJob(tx, job);
    return {
      result: { schedule_id: schedule.id, jobs: jobs.map(newJobView) },
      audit: [jobCreated(first), ...rest.map(jobCreated)],
    };
  });
}

/** A schedule may be older than the switch. */
function refuseOff(catalog: TaskTypeCatalog, tasks: readonly TaskSpec[]): void {
  for (const [at, { type }] of tasks.entries()) {
    const taskType = catalog.get(type);
    if (taskType === undefined || !catalog.isOff(type)) continue;
    const detail = offDetail(taskType);
    throw new AppError('conflict', detail, { problems: [{ pointer: `/tasks/${at}`, code: 'task_type_off', detail }] });
  }
}

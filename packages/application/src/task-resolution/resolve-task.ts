import type { Job as JobView, TaskResolution } from '@slacktide/contract';
import { isTerminal, type Job, type Json, nextState } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { AuditEntry, JobWithTasks, OutboxMessage, RequestContext, ResolvedTask } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { jobView } from '../view/job-view.ts';
import { resolvedTask } from './resolved-task.ts';

/**
 * Writes what a person found to have become of a task whose outcome nobody could tell, or has it run again. When no other task of the job needs an
 * operator the job goes on, in its next generation, or ends.
 * @throws AppError `not_found` | `conflict` when the task needs no operator
 */
export async function resolveTask(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: TaskResolution & { readonly id: string },
): Promise<JobView> {
  const { id, outcome: resolution, note } = input;
  return await deps.ledger.transaction(ctx, async (tx) => {
    const job = found(await tx.jobs.getOfTaskForUpdate(id), 'task', id);
    const task = found(
      job.tasks.find((each) => each.id === id),
      'task',
      id,
    );
    const resolved = resolvedTask(task, { resolution, note, by: ctx.actor.name, at: await tx.now() });
    if (resolved === undefined) throw new AppError('conflict', `The task is ${task.state}: it needs no operator`);
    await tx.jobs.resolveTask(resolved);
    const after = continued(job, resolved);
    if (after !== undefined) await tx.jobs.update(after);
    if (after?.message !== undefined) await tx.outbox.add(after.message);
    return {
      result: jobView(found(await tx.jobs.get(job.id), 'job', job.id)),
      audit: [
        {
          action: 'task.resolve',
          entity: 'task',
          entityId: id,
          reason: note,
          // What was known: `retry` takes it off the task.
          before: { state: task.state, error: task.error as Json },
          after: { state: resolved.state, outcome: resolution },
        },
        ...(after === undefined ? [] : changes(job, after)),
      ],
    };
  });
}

interface Continued extends Pick<Job, 'id' | 'state' | 'generation' | 'halted'> {
  /** What the relay has to bring to Redis; undefined while another task of the job needs an operator. */
  readonly message?: OutboxMessage;
}

/** The job as it is once the task is resolved; undefined when that changes nothing about it. */
function continued(job: JobWithTasks, resolved: ResolvedTask): Continued | undefined {
  const { id } = job;
  const tasks = job.tasks.map((task) => (task.id === resolved.id ? resolved : task));
  const isFailure = resolved.state === 'FAILED' || resolved.state === 'ROLLED_BACK';
  const halted = job.halted || (isFailure && job.haltOnTaskFailure);
  const transition = nextState(job.state, { kind: 'resume' });
  if (transition.kind === 'refused' || tasks.some(({ state }) => state === 'NEEDS_OPERATOR')) {
    return halted === job.halted ? undefined : { id, state: job.state, generation: job.generation, halted };
  }
  const generation = job.generation + 1;
  const kind = tasks.every(({ state }) => isTerminal(state)) ? 'job.finalise' : 'flow.add';
  return { id, state: transition.state, generation, halted, message: { kind, jobId: id, generation } };
}

function changes(before: JobWithTasks, after: Continued): readonly AuditEntry[] {
  const about = { entity: 'job', entityId: before.id } as const;
  const resumed: AuditEntry = {
    ...about,
    action: 'job.resume',
    before: { state: before.state, generation: before.generation },
    after: { state: after.state, generation: after.generation },
  };
  const halted: AuditEntry = { ...about, action: 'job.halt', before: { halted: false }, after: { halted: true } };
  return [...(after.state === before.state ? [] : [resumed]), ...(after.halted === before.halted ? [] : [halted])];
}

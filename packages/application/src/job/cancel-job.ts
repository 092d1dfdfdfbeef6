import type { Job } from '@slacktide/contract';
import { isTerminal, isTimeOrderedId } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { JobWithTasks, RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { jobView } from '../view/job-view.ts';

/**
 * Asks for a job to end: tasks not begun become SKIPPED at once, running ones are stopped by their workers within a second.
 * Asking again while it ends changes nothing.
 * @throws AppError `not_found` | `conflict` when the job is over
 */
export async function cancelJob(deps: Pick<Deps, 'ledger'>, ctx: RequestContext, input: { id: string }): Promise<Job> {
  const { id } = input;
  return await deps.ledger.transaction(ctx, async (tx) => {
    const job = found(isTimeOrderedId(id) ? await tx.jobs.getForUpdate(id) : undefined, 'job', id);
    if (isTerminal(job.state)) throw over(job);
    const isRepeat = job.cancelRequestedAt !== null;
    if (!isRepeat && !(await tx.jobs.requestCancel(id, await tx.now()))) throw over(job);
    const cancelled = found(await tx.jobs.get(id), 'job', id);
    // Nothing of it runs: it need not wait for its deliveries to come round.
    if (!isRepeat && cancelled.tasks.every(({ state }) => isTerminal(state))) {
      await tx.outbox.add({ kind: 'job.finalise', jobId: id, generation: cancelled.generation });
    }
    return {
      result: jobView(cancelled),
      audit: [
        {
          action: 'job.cancel',
          entity: 'job',
          entityId: id,
          before: summary(job),
          after: summary(cancelled),
          ...(isRepeat ? { reason: 'was requested before' } : {}),
        },
      ],
    };
  });
}

function over(job: JobWithTasks): AppError {
  return new AppError('conflict', `The job is over: ${job.state}`);
}

function summary(job: JobWithTasks) {
  return {
    state: job.state,
    cancel_requested_at: job.cancelRequestedAt?.toISOString() ?? null,
  };
}

import type { Job } from '@slacktide/contract';
import { isTimeOrderedId } from '@slacktide/domain';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { jobView } from '../view/job-view.ts';

/** One job with its tasks and steps. @throws AppError `not_found` */
export async function getJob(deps: Pick<Deps, 'ledger'>, _ctx: RequestContext, input: { id: string }): Promise<Job> {
  const job = isTimeOrderedId(input.id) ? await deps.ledger.jobs.get(input.id) : undefined;
  return jobView(found(job, 'job', input.id));
}

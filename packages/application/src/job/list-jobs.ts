import type { JobPage, JobQuery } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { jobView } from '../view/job-view.ts';
import { pageView } from '../view/page-view.ts';

/** Jobs, newest first by due time. */
export async function listJobs(deps: Pick<Deps, 'ledger'>, _ctx: RequestContext, query: JobQuery): Promise<JobPage> {
  const { limit, cursor, state, schedule_id: scheduleId, target_id: targetId, from, to } = query;
  const filter = { state, scheduleId, targetId, from, to };
  return pageView(await deps.ledger.jobs.list({ limit, cursor }, filter), jobView);
}

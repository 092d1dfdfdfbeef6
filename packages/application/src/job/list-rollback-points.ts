import type { RollbackPointList } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';

/** How to take back what a job did, the newest first. @throws AppError `not_found` when neither the job nor anything of it is known */
export async function listRollbackPoints(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  { id }: { readonly id: string },
): Promise<RollbackPointList> {
  const points = await deps.ledger.rollbackPoints.listOfJob(id);
  if (points.length === 0) found(await deps.ledger.jobs.get(id), 'job', id);
  return {
    job_id: id,
    items: points.map(({ id: pointId, object, summary, statements, state, createdAt, usedByJobId }) => ({
      id: pointId,
      object,
      summary,
      statements: [...statements],
      state,
      created_at: createdAt.toISOString(),
      used_by_job_id: usedByJobId,
    })),
  };
}

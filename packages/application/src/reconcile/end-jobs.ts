import type { HasMore, ReconcileDeps } from './reconcile-deps.ts';

const jobsAtOnce = 200;

/** Ends jobs whose tasks are all over although no delivery came to end them. Needs no Redis. */
export async function endJobs(
  deps: Pick<ReconcileDeps, 'reconciliation' | 'executions' | 'onRepair' | 'onFinalised' | 'onError'>,
): Promise<HasMore> {
  const unended = await deps.reconciliation.listUnended(jobsAtOnce);
  const ids: string[] = [];
  for (const flow of unended) {
    try {
      const finalised = await deps.executions.finalise(flow);
      if (finalised.kind !== 'finalised') continue;
      deps.onFinalised?.(finalised);
      ids.push(flow.jobId);
    } catch (error) {
      deps.onError(error, `end job ${flow.jobId}`);
    }
  }
  if (ids.length > 0) deps.onRepair({ kind: 'job_ended', ids });
  return unended.length === jobsAtOnce && ids.length > 0;
}

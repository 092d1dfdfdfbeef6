import type { TaskExecutions } from '@slacktide/application/ports';
import type { Delivery } from '@slacktide/dispatch';
import type { State } from '@slacktide/domain';
import type { Logger, Metrics } from '@slacktide/telemetry';

/** A task of the job is still open although its delivery ended: look again soon. */
const againMs = 250;

/** Ends a job whose flow has come to its root, and counts it. */
export async function finaliseDelivery(
  deps: { readonly executions: Pick<TaskExecutions, 'finalise'>; readonly metrics: Metrics; readonly logger: Logger },
  flow: { readonly jobId: string; readonly generation: number },
): Promise<Delivery> {
  const finalised = await deps.executions.finalise(flow);
  if (finalised.kind === 'not_yet') return { kind: 'later', delayMs: againMs };
  if (finalised.kind === 'finalised') {
    countEnd(deps.metrics, finalised);
    deps.logger.info({ job_id: flow.jobId, state: finalised.state }, 'job ended');
  }
  return { kind: 'done' };
}

/** Counts a job's end, and its tasks that no worker has counted since none ran them. */
export function countEnd(
  metrics: Metrics,
  { state, neverStarted }: { state: State; neverStarted: readonly string[] },
): void {
  metrics.jobTotal.inc({ status: state.toLowerCase() });
  for (const task_type of neverStarted) metrics.taskTotal.inc({ task_type, status: 'skipped' });
}

import type { FiredBatch } from '@slacktide/application';
import type { Logger, Metrics } from '@slacktide/telemetry';

/** Counts and logs the ticks of a batch, whoever had them fired. */
export function tellTicks(deps: { readonly metrics: Metrics; readonly logger: Logger }, batch: FiredBatch): void {
  const { metrics, logger } = deps;
  for (const { scheduleId, targets, jobs, neverStarted, latenessSeconds, traceId } of batch.fired) {
    metrics.tickLatenessSeconds.observe(latenessSeconds);
    for (const task_type of neverStarted) metrics.taskTotal.inc({ task_type, status: 'skipped' });
    logger.info(
      { schedule_id: scheduleId, jobs, lateness_seconds: latenessSeconds, trace_id: traceId },
      targets === 0 ? 'tick fired, but the schedule has no target' : 'tick fired',
    );
  }
  for (const { scheduleId, error } of batch.failed) {
    logger.error({ schedule_id: scheduleId, err: error }, 'tick could not be fired; it stays due');
  }
}

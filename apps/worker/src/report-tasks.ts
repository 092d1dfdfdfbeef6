import type { RunTaskDeps } from '@slacktide/application';
import type { Logger, Metrics } from '@slacktide/telemetry';

/** Tells metrics and log how tasks ended. */
export function reportTasks({
  logger,
  metrics,
}: {
  readonly logger: Logger;
  readonly metrics: Metrics;
}): Required<Pick<RunTaskDeps, 'onFinished' | 'onUnexpected'>> {
  return {
    onFinished({ job, task, target }, outcome, durationMs) {
      const labels = { task_type: task.type, status: outcome.kind };
      metrics.taskTotal.inc(labels);
      metrics.taskDurationSeconds.observe(labels, durationMs / 1000);
      const fields = {
        job_id: job.id,
        task_id: task.id,
        task_type: task.type,
        target_id: target.id,
        trace_id: job.traceId,
        duration_ms: Math.round(durationMs),
      };
      if (outcome.kind === 'failed') logger.warn({ ...fields, error: outcome.error }, 'task failed');
      else logger.info({ ...fields, outcome: outcome.kind }, 'task ended');
    },
    onUnexpected({ job, task }, err) {
      logger.error({ err, job_id: job.id, task_id: task.id, task_type: task.type }, 'executor failed unexpectedly');
    },
  };
}

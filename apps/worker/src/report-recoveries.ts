import type { RecoverDeps } from '@slacktide/application';
import type { Logger } from '@slacktide/telemetry';

/** Tells the log what became of tasks whose workers were gone. */
export function reportRecoveries({
  logger,
}: {
  readonly logger: Logger;
}): Required<Pick<RecoverDeps, 'onRecovered' | 'onUnexpected' | 'onError'>> {
  return {
    onRecovered({ job, task, target, previousWorkerId, expiredForMs }, recovered) {
      const fields = {
        job_id: job.id,
        task_id: task.id,
        task_type: task.type,
        target_id: target.id,
        trace_id: job.traceId,
        lost_worker_id: previousWorkerId,
        expired_for_ms: Math.round(expiredForMs),
        recovered,
      };
      if (recovered === 'need_operator') logger.error(fields, 'task needs an operator: what became of it is unclear');
      else logger.warn(fields, 'task of a lost worker looked at');
    },
    onUnexpected({ job, task }, err) {
      logger.error({ err, job_id: job.id, task_id: task.id, task_type: task.type }, 'recovery failed unexpectedly');
    },
    onError({ taskId, type }, err) {
      logger.warn({ err, task_id: taskId, task_type: type }, 'task could not be recovered now; it will be tried again');
    },
  };
}

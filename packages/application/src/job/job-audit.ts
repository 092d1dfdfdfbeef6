import type { JsonObject } from '@slacktide/domain';
import type { AuditEntry, NewJob } from '../ports/index.ts';

/** The audit entry of a job that was made; what its tasks came to is told by the job itself. */
export function jobCreated(job: NewJob): AuditEntry {
  const after: JsonObject = {
    schedule_id: job.scheduleId,
    target_id: job.targetId,
    trigger: job.trigger,
    state: job.state,
    reason: job.reason,
    tasks: job.tasks.map(({ key, type, config }) => ({ key, type, config })),
  };
  return { action: 'job.create', entity: 'job', entityId: job.id, before: null, after };
}

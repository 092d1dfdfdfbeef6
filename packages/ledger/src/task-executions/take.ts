import type { AuditEntry, ClaimedTask } from '@slacktide/application/ports';
import { type Job, nextState, type Target } from '@slacktide/domain';
import { insertAudit } from '../audit/insert-audit.ts';
import type { LedgerSql } from '../sql.ts';
import type { ClaimRequest, LockedFacts } from './claim-facts.ts';
import { move } from './move.ts';
import { removeExpiredLeases } from './remove-expired-leases.ts';

/** Gives the task to the worker: the target's next fence, a lease, the task RUNNING, and with the first claim the job too. */
export async function take(
  tx: LedgerSql,
  facts: LockedFacts,
  target: Target,
  { workerId, access, leaseLifeMs }: ClaimRequest,
): Promise<ClaimedTask> {
  const { now, expired } = facts;
  const fence = facts.fence + 1;
  const job = started(facts.job, now);
  const task = { ...facts.task, state: move(facts.task.state, { kind: 'claim' }), reason: null, startedAt: now };
  const entry: AuditEntry = {
    action: 'task.claim',
    entity: 'task',
    entityId: task.id,
    before: { state: facts.task.state },
    after: { state: task.state, worker: workerId, fence, access },
  };
  const entries = job === facts.job ? [entry] : [entry, jobStart(facts.job, job)];

  await removeExpiredLeases(tx, expired);
  await tx`
    WITH fenced AS (UPDATE targets SET fence = ${fence} WHERE id = ${target.id}),
    ${
      job === facts.job
        ? tx``
        : tx`started AS (
      UPDATE jobs SET state = ${job.state}, started_at = ${job.startedAt} WHERE scheduled_for = ${job.scheduledFor} AND id = ${job.id}
    ),`
    }
    claimed AS (
      UPDATE tasks SET state = ${task.state}, reason = NULL, started_at = ${now},
        access = ${access}, fence = ${fence}, worker_id = ${workerId}, intent_at = NULL, intent_pid = NULL,
        intent_backend_start = NULL, intent_application_name = NULL, intent_epoch = NULL, recovery_attempts = 0, lease_expired_at = NULL
      WHERE scheduled_for = ${job.scheduledFor} AND id = ${task.id}
    ), leased AS (
      INSERT INTO leases (task_id, target_id, access, worker_id, fence, expires_at)
      VALUES (${task.id}, ${target.id}, ${access}, ${workerId}, ${fence}, clock_timestamp() + make_interval(secs => ${leaseLifeMs / 1000}))
    )
    ${insertAudit(tx, { actor: `worker:${workerId}`, traceId: job.traceId }, entries)}`;
  return { job, task, target, access, fence, workerId };
}

/** The job as its first claim makes it; itself when it runs already. */
function started(job: Job, now: Date): Job {
  const transition = nextState(job.state, { kind: 'claim' });
  return transition.kind === 'refused' ? job : { ...job, state: transition.state, startedAt: job.startedAt ?? now };
}

function jobStart(before: Job, after: Job): AuditEntry {
  return {
    action: 'job.start',
    entity: 'job',
    entityId: after.id,
    before: { state: before.state },
    after: { state: after.state },
  };
}

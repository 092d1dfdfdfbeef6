import type { AuditEntry, ClaimedTask, StepRecord, TaskOutcome } from '@slacktide/application/ports';
import type { StateEvent } from '@slacktide/domain';
import type { Fragment } from 'postgres';
import { insertAudit } from '../audit/insert-audit.ts';
import { jsonb, type LedgerPool, type LedgerSql } from '../sql.ts';
import { claimedTask } from './held-task.ts';
import { move } from './move.ts';
import { retryDeadlocks } from './retry-deadlocks.ts';
import { upsertSteps } from './upsert-steps.ts';

/**
 * Writes how a task ended, with its steps, and frees the target. A try that failed before it got to act counts as an attempt, too; a failure halts the job where its schedule says so. One statement:
 * whoever takes the target over removes the lease too, so of the two only one succeeds.
 */
export async function finish(
  pool: LedgerPool,
  claimed: ClaimedTask,
  outcome: TaskOutcome,
  steps: readonly StepRecord[],
): Promise<boolean> {
  const { job, task, fence, workerId } = claimed;
  const event = eventOf(outcome);
  const state = move(task.state, event);
  const reason = reasonOf(outcome);
  const error = 'error' in outcome ? outcome.error : null;
  const entry: AuditEntry = {
    action: `task.${event.kind}`,
    entity: 'task',
    entityId: task.id,
    ...(reason === null ? {} : { reason }),
    before: { state: task.state },
    after: error === null ? { state } : { state, error: error.code },
  };
  const author = { actor: `worker:${workerId}`, traceId: job.traceId };
  const halts = outcome.kind === 'failed' && job.haltOnTaskFailure;
  const { count } = await retryDeadlocks(
    () => pool`
      WITH job AS MATERIALIZED (
        SELECT scheduled_for, id FROM jobs WHERE scheduled_for = ${job.scheduledFor} AND id = ${job.id} FOR NO KEY UPDATE
      ), lease AS (
        DELETE FROM leases USING job WHERE task_id = ${task.id} AND fence = ${fence} RETURNING task_id
      ), held AS (
        UPDATE tasks SET state = ${state}, reason = ${reason}, result = ${jsonb(pool, outcome.result)},
          error = ${jsonb(pool, error)}, progress = CASE WHEN ${outcome.kind === 'succeeded'} THEN 100 ELSE progress END,
          attempt = greatest(attempt, ${outcome.kind === 'skipped' ? 0 : 1}), finished_at = clock_timestamp()
        FROM lease WHERE ${claimedTask(pool, claimed)} AND tasks.id = lease.task_id
        RETURNING tasks.scheduled_for, tasks.id
      ), written AS (
        ${upsertSteps(pool, steps)}
      ), audited AS (
        ${insertAudit(pool, author, [entry], pool`EXISTS (SELECT FROM held)`)}
      )
      ${halts ? halt(pool, claimed) : pool``}
      SELECT FROM held`,
  );
  return count > 0;
}

/** Sets the halt flag, once. */
function halt(sql: LedgerSql, { job, workerId }: ClaimedTask): Fragment {
  const entry: AuditEntry = {
    action: 'job.halt',
    entity: 'job',
    entityId: job.id,
    before: { halted: false },
    after: { halted: true },
  };
  return sql`, halted AS (
    UPDATE jobs SET halted = true FROM held
    WHERE jobs.scheduled_for = ${job.scheduledFor} AND jobs.id = ${job.id} AND NOT jobs.halted
    RETURNING jobs.id
  ), halt_audited AS (
    ${insertAudit(sql, { actor: `worker:${workerId}`, traceId: job.traceId }, [entry], sql`EXISTS (SELECT FROM halted)`)}
  )`;
}

function eventOf(outcome: TaskOutcome): StateEvent {
  switch (outcome.kind) {
    case 'succeeded':
      return { kind: 'succeed' };
    case 'failed':
      return { kind: 'fail' };
    case 'cancelled':
      return { kind: 'cancel' };
    case 'skipped':
      return { kind: 'skip', reason: outcome.reason };
    case 'rolled_back':
      return { kind: 'roll_back' };
    case 'needs_operator':
      return { kind: 'need_operator' };
  }
}

function reasonOf(outcome: TaskOutcome): string | null {
  if (outcome.kind === 'skipped') return outcome.reason;
  return outcome.kind === 'cancelled' ? 'cancelled' : null;
}

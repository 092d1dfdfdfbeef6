import type { AuditEntry, ClaimedTask, StepRecord, TakenOver, TaskOutcome } from '@slacktide/application/ports';
import { isTerminal, type StateEvent, terminalStates } from '@slacktide/domain';
import type { Fragment } from 'postgres';
import { insertAudit } from '../audit/insert-audit.ts';
import { writeAudit } from '../audit/write-audit.ts';
import { addToOutbox } from '../outbox/add-to-outbox.ts';
import { jsonb, type LedgerPool, type LedgerSql } from '../sql.ts';
import { auditSteps } from './audit-steps.ts';
import { claimedTask } from './held-task.ts';
import { move } from './move.ts';
import { retryDeadlocks } from './retry-deadlocks.ts';
import { upsertSteps } from './upsert-steps.ts';

/** Writes how a task ended, or that nobody can tell, and frees the target; in the latter case the job waits for a person. */
export async function finish(
  pool: LedgerPool,
  claimed: ClaimedTask,
  outcome: TaskOutcome,
  steps: readonly StepRecord[],
): Promise<boolean> {
  return await end(pool, claimed, { outcome, steps, crashes: 0 });
}

/** The same, of a task over which a worker died. */
export async function settle(
  pool: LedgerPool,
  taken: TakenOver,
  outcome: TaskOutcome,
  steps: readonly StepRecord[],
): Promise<boolean> {
  return await end(pool, taken, { outcome, steps, crashes: 1 });
}

interface Ending {
  readonly outcome: TaskOutcome;
  readonly steps: readonly StepRecord[];
  /** To be added to the task's. */
  readonly crashes: number;
}

async function end(pool: LedgerPool, claimed: ClaimedTask, ending: Ending): Promise<boolean> {
  if (ending.outcome.kind !== 'needs_operator') return await retryDeadlocks(() => writeEnding(pool, claimed, ending));
  return await retryDeadlocks(() =>
    pool.begin(async (tx) => {
      const isHeld = await writeEnding(tx, claimed, ending);
      if (isHeld) await callOperator(tx, claimed);
      return isHeld;
    }),
  );
}

/**
 * A try that failed before it got to act counts as an attempt, too; a failure halts the job where its schedule says so. One statement:
 * whoever takes the target over removes the lease too, so of the two only one succeeds.
 */
async function writeEnding(
  sql: LedgerSql,
  claimed: ClaimedTask,
  { outcome, steps, crashes }: Ending,
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
  const halts = (outcome.kind === 'failed' || outcome.kind === 'rolled_back') && job.haltOnTaskFailure;
  const { count } = await sql`
    WITH job AS MATERIALIZED (
      SELECT scheduled_for, id FROM jobs WHERE scheduled_for = ${job.scheduledFor} AND id = ${job.id} FOR NO KEY UPDATE
    ), lease AS (
      DELETE FROM leases USING job WHERE task_id = ${task.id} AND fence = ${fence} RETURNING task_id
    ), held AS (
      UPDATE tasks SET state = ${state}, reason = ${reason}, result = ${jsonb(sql, outcome.result)},
        error = ${jsonb(sql, error)}, progress = CASE WHEN ${outcome.kind === 'succeeded'} THEN 100 ELSE progress END,
        attempt = greatest(attempt, ${outcome.kind === 'skipped' ? 0 : 1}), crashes = crashes + ${crashes}, recovery_attempts = 0,
        finished_at = ${isTerminal(state) ? sql`clock_timestamp()` : null}
      FROM lease WHERE ${claimedTask(sql, claimed)} AND tasks.id = lease.task_id
      RETURNING tasks.scheduled_for, tasks.id
    ), written AS (
      ${upsertSteps(sql, steps)}
    ), audited AS (
      ${insertAudit(sql, author, [entry], sql`EXISTS (SELECT FROM held)`)}
    )
    ${auditSteps(sql, claimed, steps)}
    ${isTerminal(state) && task.attempt > 0 ? endLeftOvers(sql, claimed, steps) : sql``}
    ${halts ? halt(sql, claimed) : sql``}
    SELECT FROM held`;
  return count > 0;
}

/** Steps that an earlier attempt had planned, and this one found nothing to do for. */
function endLeftOvers(sql: LedgerSql, { job, task }: ClaimedTask, steps: readonly StepRecord[]): Fragment {
  return sql`, left_over AS (
    UPDATE steps SET state = 'SKIPPED', reason = 'not_planned_again', phase = NULL, eta_seconds = NULL, finished_at = clock_timestamp()
    FROM held WHERE steps.scheduled_for = ${job.scheduledFor} AND steps.task_id = ${task.id} AND steps.task_id = held.id
      AND steps.state <> ALL(${terminalStates as unknown as string[]}) AND steps.key <> ALL(${steps.map(({ key }) => key)})
  )`;
}

/** The job waits for a person with its task: nothing new of it is to start, so its flow goes, too. */
async function callOperator(tx: LedgerSql, { job, workerId }: ClaimedTask): Promise<void> {
  const state = move('RUNNING', { kind: 'need_operator' });
  const [stopped] = await tx<{ generation: number }[]>`
    UPDATE jobs SET state = ${state} WHERE scheduled_for = ${job.scheduledFor} AND id = ${job.id} AND state = 'RUNNING' RETURNING generation`;
  // Another task of it waits for one already.
  if (stopped === undefined) return;
  await writeAudit(tx, { actor: `worker:${workerId}`, traceId: job.traceId }, [
    {
      action: 'job.need_operator',
      entity: 'job',
      entityId: job.id,
      before: { state: 'RUNNING' },
      after: { state },
    },
  ]);
  await addToOutbox(tx, { kind: 'flow.remove', jobId: job.id, generation: stopped.generation });
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

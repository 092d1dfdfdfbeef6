import type { TakenOver } from '@slacktide/application/ports';
import { type JsonObject, type State, terminalStates } from '@slacktide/domain';
import { writeAudit } from '../audit/write-audit.ts';
import { addToOutbox } from '../outbox/add-to-outbox.ts';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { claimedTask } from '../task-executions/held-task.ts';
import { move } from '../task-executions/move.ts';
import { retryDeadlocks } from '../task-executions/retry-deadlocks.ts';

/**
 * Puts the task back to PENDING with one crash more, what was in hand of it too, and sends the job's next generation out: deliveries of the present
 * one may be lost with the worker, or be anywhere (law 5). `told` goes into the audit event: what recovery did on the target, e.g. what it swept. A job that waits for a person gets its next generation when that person has spoken.
 */
export async function redrive(
  pool: LedgerPool,
  taken: TakenOver,
  reason: string,
  told: JsonObject = {},
): Promise<boolean> {
  return await retryDeadlocks(() => pool.begin((tx) => redriveIn(tx, taken, reason, told)));
}

async function redriveIn(tx: LedgerSql, taken: TakenOver, reason: string, told: JsonObject): Promise<boolean> {
  const { job, task, workerId } = taken;
  const state = move(task.state, { kind: 'redrive' });
  const isThisJob = tx`scheduled_for = ${job.scheduledFor} AND id = ${job.id}`;
  const [current] = await tx<{ state: State; generation: number }[]>`
    SELECT state, generation FROM jobs WHERE ${isThisJob} FOR NO KEY UPDATE`;
  const [put] = await putBack(tx, taken, state, reason);
  if (current === undefined || put === undefined) return false;

  const isRunning = current.state === 'RUNNING';
  const generation = isRunning ? current.generation + 1 : current.generation;
  if (isRunning) {
    await tx`UPDATE jobs SET generation = ${generation} WHERE ${isThisJob}`;
    await addToOutbox(tx, { kind: 'flow.add', jobId: job.id, generation });
  }
  await writeAudit(tx, { actor: `worker:${workerId}`, traceId: job.traceId }, [
    {
      action: 'task.redrive',
      entity: 'task',
      entityId: task.id,
      reason,
      before: { state: task.state, crashes: put.crashes - 1, generation: current.generation },
      after: { ...told, state, crashes: put.crashes, generation },
    },
  ]);
  return true;
}

function putBack(tx: LedgerSql, taken: TakenOver, state: State, reason: string) {
  const { job, task, fence } = taken;
  return tx<{ crashes: number }[]>`
    WITH lease AS (
      DELETE FROM leases WHERE task_id = ${task.id} AND fence = ${fence} RETURNING task_id
    ), held AS (
      UPDATE tasks SET state = ${state}, reason = ${reason}, crashes = crashes + 1, progress = NULL, started_at = NULL, recover_after = NULL,
        recovery_attempts = 0
      FROM lease WHERE ${claimedTask(tx, taken)} AND tasks.id = lease.task_id
      RETURNING tasks.id, tasks.crashes
    ), reopened AS (
      UPDATE steps SET state = 'PENDING', reason = 'interrupted', phase = NULL, percent = NULL, eta_seconds = NULL, started_at = NULL
      FROM held WHERE steps.scheduled_for = ${job.scheduledFor} AND steps.task_id = ${task.id} AND steps.task_id = held.id
        AND steps.state <> ALL(${terminalStates as unknown as string[]})
    )
    SELECT crashes FROM held`;
}

import type { AuditEntry, Intent, Recoveries, TakenOver, TakeOverResult } from '@slacktide/application/ports';
import { isTimeOrderedId, type Step } from '@slacktide/domain';
import { insertAudit } from '../audit/insert-audit.ts';
import { type TaskRow, toTask } from '../jobs/task-row.ts';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { removeExpiredLeases } from '../task-executions/remove-expired-leases.ts';
import { retryDeadlocks } from '../task-executions/retry-deadlocks.ts';
import { selectRemnants } from './create-remnants.ts';
import { type LockedTask, lockTask } from './lock-task.ts';

type Request = Parameters<Recoveries['takeOver']>[0];

/**
 * Gives an expired task to whoever recovers it: the target's next fence, so that whatever its worker still writes is refused, and a lease, so that
 * nobody else gets the target meanwhile. The task stays RUNNING, its intent as it was.
 */
export async function takeOver(pool: LedgerPool, request: Request): Promise<TakeOverResult> {
  if (!isTimeOrderedId(request.taskId)) return { kind: 'not_expired' };
  return await retryDeadlocks(() => pool.begin((tx) => takeOverIn(tx, request)));
}

async function takeOverIn(tx: LedgerSql, request: Request): Promise<TakeOverResult> {
  const locked = await lockTask(tx, request.taskId);
  if (locked === undefined || !isExpired(locked)) return { kind: 'not_expired' };
  if (locked.targetBusy) return { kind: 'target_busy' };
  return { kind: 'taken', taken: await take(tx, locked, request) };
}

function isExpired({ row, lease, now }: LockedTask): boolean {
  const isDue = (at: Date | null | undefined): boolean => at === null || at === undefined || at <= now;
  return row.state === 'RUNNING' && isDue(lease?.expiresAt) && isDue(row.recoverAfter);
}

async function take(tx: LedgerSql, locked: LockedTask, { workerId, leaseLifeMs }: Request): Promise<TakenOver> {
  const { job, row, target, lease, expired, now } = locked;
  const { access, fence: previousFence, workerId: previousWorkerId } = row;
  if (access === null || previousFence === null || previousWorkerId === null) {
    throw new Error(`expected the running task ${row.id} to have been claimed`);
  }
  const fence = locked.fence + 1;
  const expiredAt = lease?.expiresAt ?? row.leaseExpiredAt ?? row.startedAt ?? now;
  const entry: AuditEntry = {
    action: 'task.take_over',
    entity: 'task',
    entityId: row.id,
    reason: 'lease expired',
    before: { state: row.state, worker: previousWorkerId, fence: previousFence },
    after: { state: row.state, worker: workerId, fence, access },
  };
  // What never touched its target is not looked at: then the lease serves as a fence only, and keeps nobody from the target, nor needs to wait for it.
  const { mayHaveActed } = locked;
  const life = tx`make_interval(secs => ${leaseLifeMs / 1000})`;
  await removeExpiredLeases(tx, expired);
  const [, steps, remnants] = await Promise.all([
    tx`
      WITH fenced AS (UPDATE targets SET fence = ${fence} WHERE id = ${target.id}),
      taken AS (
        UPDATE tasks SET fence = ${fence}, worker_id = ${workerId}, recovery_attempts = recovery_attempts + 1,
          recover_after = ${mayHaveActed ? tx`NULL` : tx`clock_timestamp() + ${life}`}
        WHERE scheduled_for = ${job.scheduledFor} AND id = ${row.id}
      ), leased AS (
        INSERT INTO leases (task_id, target_id, access, worker_id, fence, expires_at)
        VALUES (${row.id}, ${target.id}, ${mayHaveActed ? access : 'observe'}, ${workerId}, ${fence},
          clock_timestamp() + ${mayHaveActed ? life : tx`interval '-1 ms'`})
      )
      ${insertAudit(tx, { actor: `worker:${workerId}`, traceId: job.traceId }, [entry])}`,
    tx<Step[]>`
      SELECT key, position, state, reason, object, statement, phase, percent, eta_seconds, result, error, started_at, finished_at
      FROM steps WHERE scheduled_for = ${job.scheduledFor} AND task_id = ${row.id} ORDER BY position`,
    selectRemnants(tx, tx`remnants.task_id = ${row.id}`),
  ]);
  return {
    job,
    task: toTask(row),
    target,
    access,
    fence,
    workerId,
    intent: intentOf(row),
    previousFence,
    previousWorkerId,
    expiredAt,
    expiredForMs: now.getTime() - expiredAt.getTime(),
    attempts: row.recoveryAttempts + 1,
    steps,
    remnants,
  };
}

function intentOf(row: TaskRow): (Intent & { readonly at: Date }) | null {
  const { intentAt: at, intentPid: pid, intentBackendStart, intentApplicationName, intentEpoch: epoch } = row;
  if (at === null || pid === null || intentBackendStart === null || intentApplicationName === null || epoch === null) {
    return null;
  }
  return { at, pid, backendStart: intentBackendStart, applicationName: intentApplicationName, epoch };
}

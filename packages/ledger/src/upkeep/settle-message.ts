import type { AuditEntry, ClaimedTask, MessageNeed, SettledMessage } from '@slacktide/application/ports';
import { writeAudit } from '../audit/write-audit.ts';
import { outboxChannel } from '../outbox/add-to-outbox.ts';
import type { LedgerPool, LedgerSql } from '../sql.ts';
import { holdTask } from '../task-executions/held-task.ts';
import { retryDeadlocks } from '../task-executions/retry-deadlocks.ts';
import { kindOf, messageNeed } from './message-need.ts';
import { readSubjects } from './read-subjects.ts';

interface LockedMessage {
  readonly id: number;
  readonly subject: string;
  readonly message: unknown;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly nextTryAt: Date;
  readonly isDue: boolean;
}

/** Makes a message due now, or moves it to the dead letters where that is wished and nobody needs it; undefined = the claim does not hold any more. */
export async function settleMessage(
  pool: LedgerPool,
  claimed: ClaimedTask,
  id: number,
  wish: 'redrive' | 'archive',
): Promise<SettledMessage | undefined> {
  return await retryDeadlocks(() =>
    pool.begin(async (tx) => {
      if ((await holdTask(tx, claimed)) === undefined) return undefined;
      return await settleIn(tx, claimed, id, wish);
    }),
  );
}

async function settleIn(
  tx: LedgerSql,
  claimed: ClaimedTask,
  id: number,
  wish: 'redrive' | 'archive',
): Promise<SettledMessage> {
  // A relay holds the row while it is at it: that may take as long as Redis does.
  const [row] = await tx<LockedMessage[]>`
    SELECT id, subject, message, attempts, last_error, next_try_at, next_try_at <= now() AS is_due
    FROM outbox WHERE id = ${id} FOR UPDATE SKIP LOCKED`;
  if (row === undefined) {
    const [there] = await tx`SELECT FROM outbox WHERE id = ${id}`;
    return { kind: 'left', why: there === undefined ? 'gone' : 'in_hand' };
  }
  const [subject = { job: undefined, schedule: false }] = await readSubjects(tx, [row.message]);
  const need = messageNeed(row.message, subject);
  if (need === 'unknown_kind') return { kind: 'left', why: 'unknown_kind' };
  if (wish === 'archive' && need !== 'needed') {
    await archive(tx, claimed, row, need);
    return { kind: 'archived', need };
  }
  if (row.isDue) return { kind: 'left', why: 'due_already' };
  await redrive(tx, claimed, row, need);
  return { kind: 'redriven', need };
}

async function archive(tx: LedgerSql, claimed: ClaimedTask, row: LockedMessage, need: MessageNeed): Promise<void> {
  await tx`
    WITH taken AS (DELETE FROM outbox WHERE id = ${row.id} RETURNING id, subject, message, created_at, attempts, last_error)
    INSERT INTO dead_letters (id, subject, message, created_at, attempts, last_error, need, task_id)
    SELECT id, subject, message, created_at, attempts, last_error, ${need}, ${claimed.task.id} FROM taken`;
  await tell(tx, claimed, { ...entryOf(row, claimed), action: 'outbox.archive', reason: need });
  await wakeRelay(tx); // what waited behind it for the same job or schedule may be due
}

async function redrive(tx: LedgerSql, claimed: ClaimedTask, row: LockedMessage, need: MessageNeed): Promise<void> {
  const [{ at }] = await tx<[{ at: Date }]>`
    UPDATE outbox SET next_try_at = date_trunc('milliseconds', clock_timestamp()) WHERE id = ${row.id} RETURNING next_try_at AS at`;
  const entry = entryOf(row, claimed);
  const after = { ...entry.after, next_try_at: at.toISOString() };
  await tell(tx, claimed, { ...entry, action: 'outbox.redrive', reason: need, after });
  await wakeRelay(tx);
}

async function wakeRelay(tx: LedgerSql): Promise<void> {
  await tx`SELECT pg_notify(${outboxChannel}, '')`;
}

async function tell(tx: LedgerSql, { job, workerId }: ClaimedTask, entry: AuditEntry): Promise<void> {
  await writeAudit(tx, { actor: `worker:${workerId}`, traceId: job.traceId }, [entry]);
}

/** Told of the job that the message is about; of a schedule, which may be gone, of the task that did it. */
function entryOf({ id, subject, message, attempts, lastError, nextTryAt }: LockedMessage, { task }: ClaimedTask) {
  const jobId = subject.startsWith('job:') ? subject.slice('job:'.length) : undefined;
  return {
    ...(jobId === undefined
      ? { entity: 'task' as const, entityId: task.id }
      : { entity: 'job' as const, entityId: jobId }),
    before: {
      message_id: id,
      subject,
      kind: kindOf(message),
      attempts,
      last_error: lastError,
      next_try_at: nextTryAt.toISOString(),
    },
    after: { task_id: task.id },
  };
}

/** Archived messages are kept for 90 days: long enough to find out what went wrong. */
export async function pruneDeadLetters(sql: LedgerSql): Promise<void> {
  await sql`DELETE FROM dead_letters WHERE archived_at <= now() - interval '90 days'`;
}

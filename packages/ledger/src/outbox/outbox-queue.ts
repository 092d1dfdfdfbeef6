import { failpoint } from '@slacktide/application';
import type { OutboxMessage, OutboxQueue, Relayed } from '@slacktide/application/ports';
import { jsonb, type LedgerPool, type LedgerSql } from '../sql.ts';
import { subscribe } from '../subscribe.ts';
import { outboxChannel } from './add-to-outbox.ts';
import { listFlows } from './list-flows.ts';
import { retryDelaySeconds } from './retry-delay.ts';

interface DueRow {
  readonly id: number;
  readonly message: OutboxMessage;
  readonly attempts: number;
}

/**
 * The relay's side of the outbox. Rows of one subject (a job, a schedule) go one after the other, also past a failure and
 * with several relays; those of different subjects go at once. A row is locked while it is relayed, so a relay that dies
 * gives it back.
 */
export function createOutboxQueue(sql: LedgerPool): OutboxQueue {
  return {
    drain: (limit, relay, first = 'oldest') =>
      sql.begin(async (tx) => {
        const rows = await lockDueRows(tx, limit, first);
        if (rows.length === 0) return { relayed: 0, failed: 0, away: 0 };
        const results = await relay(rows.map(({ message }) => message));
        const became = (kind: Relayed['kind']) => rows.filter((_, position) => results[position]?.kind === kind);
        const failures = rows.flatMap((row, position) => {
          const result = results[position];
          return result?.kind === 'failed' ? [{ ...row, error: messageOf(result.error) }] : [];
        });
        const done = became('done');
        await failpoint('relay.before_delete');
        await deleteRows(
          tx,
          done.map(({ id }) => id),
        );
        await postpone(tx, failures);
        return { relayed: done.length, failed: failures.length, away: became('away').length };
      }),

    listFlows: (jobIds) => listFlows(sql, jobIds),

    async retryAll() {
      const { count } = await sql`
        UPDATE outbox SET next_try_at = date_trunc('milliseconds', now()) WHERE id IN (
          SELECT id FROM outbox WHERE next_try_at > now() FOR UPDATE SKIP LOCKED)`;
      return count;
    },

    subscribe: (wake) => subscribe(sql, outboxChannel, { onNotice: wake, onListening: wake }),

    async backlog() {
      const [row] = await sql<[{ waiting: number; oldestSeconds: number }]>`
        SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
        FROM outbox`;
      return { ...row };
    },
  };
}

async function lockDueRows(tx: LedgerSql, limit: number, first: 'oldest' | 'newest'): Promise<readonly DueRow[]> {
  return tx<DueRow[]>`
    SELECT id, message, attempts FROM outbox AS due
    WHERE next_try_at <= now()
      AND NOT EXISTS (SELECT FROM outbox AS older WHERE older.subject = due.subject AND older.id < due.id)
    ORDER BY id ${first === 'oldest' ? tx`ASC` : tx`DESC`} LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
}

async function deleteRows(tx: LedgerSql, ids: readonly number[]): Promise<void> {
  if (ids.length > 0) await tx`DELETE FROM outbox WHERE id = ANY(${[...ids]}::bigint[])`;
}

async function postpone(tx: LedgerSql, failures: readonly (DueRow & { error: string })[]): Promise<void> {
  if (failures.length === 0) return;
  const rows = failures.map(({ id, attempts, error }) => ({ id, error, seconds: retryDelaySeconds(attempts + 1) }));
  await tx`
    UPDATE outbox SET attempts = attempts + 1, last_error = error, next_try_at = clock_timestamp() + seconds * interval '1 second'
    FROM jsonb_to_recordset(${jsonb(tx, rows)}) AS failure (id bigint, error text, seconds int)
    WHERE outbox.id = failure.id`;
}

function messageOf(reason: unknown): string {
  return (reason instanceof Error ? reason.message : String(reason)).slice(0, 500);
}

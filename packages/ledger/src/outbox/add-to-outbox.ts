import type { OutboxMessage } from '@slacktide/application/ports';
import { jsonb, type LedgerSql } from '../sql.ts';

/** Channel on which the relay is woken. */
export const outboxChannel = 'slacktide_outbox';

/**
 * Adds a row in the caller's transaction; the relay is woken when it commits. Not for the removal of a flow, which nobody waits for and
 * the relay's next look brings along. Where many commit at once, `addSilently` and a `relayWaker` cost less.
 */
export async function addToOutbox(sql: LedgerSql, message: OutboxMessage): Promise<void> {
  await addSilently(sql, message);
  if (message.kind !== 'flow.remove') await sql`SELECT pg_notify(${outboxChannel}, '')`;
}

/** Adds a row in the caller's transaction and tells nobody. */
export async function addSilently(sql: LedgerSql, message: OutboxMessage): Promise<void> {
  await sql`INSERT INTO outbox (subject, message) VALUES (${subjectOf(message)}, ${jsonb(sql, message)})`;
}

/** Whom a message is about: those of one subject are relayed in order. */
export function subjectOf(message: OutboxMessage): string {
  return message.kind === 'schedule.sync' ? `schedule:${message.scheduleId}` : `job:${message.jobId}`;
}

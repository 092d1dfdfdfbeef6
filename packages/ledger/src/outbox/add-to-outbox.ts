import type { OutboxMessage } from '@slacktide/application/ports';
import { jsonb, type LedgerSql } from '../sql.ts';

/** Channel on which the relay is woken. */
export const outboxChannel = 'slacktide_outbox';

/** Adds a row in the caller's transaction; the relay is woken when it commits. */
export async function addToOutbox(sql: LedgerSql, message: OutboxMessage): Promise<void> {
  await sql`
    WITH added AS (
      INSERT INTO outbox (subject, message) VALUES (${subjectOf(message)}, ${jsonb(sql, message)}) RETURNING id
    )
    SELECT pg_notify(${outboxChannel}, '') FROM added`;
}

function subjectOf(message: OutboxMessage): string {
  return message.kind === 'schedule.sync' ? `schedule:${message.scheduleId}` : `job:${message.jobId}`;
}

import type { OutboxMessage } from '@slacktide/application/ports';
import { jsonb, type LedgerSql } from '../sql.ts';
import { outboxChannel, subjectOf } from './add-to-outbox.ts';

/** Adds rows in the caller's transaction, in this order; the relay is woken once, when it commits. */
export async function addAllToOutbox(sql: LedgerSql, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const rows = messages.map((message) => ({ subject: subjectOf(message), message }));
  await sql`
    WITH added AS (
      INSERT INTO outbox (subject, message)
      SELECT subject, message FROM jsonb_to_recordset(${jsonb(sql, rows)}) AS row (subject text, message jsonb)
    )
    SELECT pg_notify(${outboxChannel}, '')`;
}

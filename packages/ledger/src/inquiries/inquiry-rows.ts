import type { Answer, Question } from '@slacktide/application/ports';
import { jsonb, type LedgerPool } from '../sql.ts';

/** Channel on which servers hear of a new question. */
export const askedChannel = 'slacktide_inquiry_asked';
/** Channel on which the id of a question is sent when it was answered or given up. */
export const answeredChannel = 'slacktide_inquiry_answered';

export interface TakenInquiry {
  readonly id: string;
  readonly question: Question;
}

/** How a question that is no longer open ended; no answer = the worker that took it, if any, gave it up. */
export interface EndedInquiry {
  readonly id: string;
  readonly answer: Answer | null;
  readonly workerId: string | null;
}

/** Adds a question, wakes the servers, and sweeps what is older than an hour: rows come only by asking. */
export async function insertInquiry(sql: LedgerPool, id: string, question: Question, lifeMs: number): Promise<void> {
  await sql`
    WITH swept AS (DELETE FROM inquiries WHERE asked_at < now() - interval '1 hour'), asked AS (
      INSERT INTO inquiries (id, question, asked_at, expires_at)
      VALUES (${id}, ${jsonb(sql, question)}, now(), now() + make_interval(secs => ${lifeMs / 1000}))
      RETURNING id
    )
    SELECT pg_notify(${askedChannel}, id::text) FROM asked`;
}

/** Those of `ids` that were answered or given up. */
export async function findEnded(sql: LedgerPool, ids: readonly string[]): Promise<readonly EndedInquiry[]> {
  return sql<EndedInquiry[]>`
    SELECT id, answer, worker_id FROM inquiries
    WHERE id = ANY(${[...ids]}::uuid[]) AND (answer IS NOT NULL OR expires_at <= now())`;
}

/** Closes a question that nobody waits for any longer; its answer, should it just have come. */
export async function expireInquiry(sql: LedgerPool, id: string): Promise<EndedInquiry | undefined> {
  const [ended] = await sql<EndedInquiry[]>`
    UPDATE inquiries SET expires_at = least(expires_at, now()) WHERE id = ${id} RETURNING id, answer, worker_id`;
  return ended;
}

/** Takes up to `limit` open questions, oldest first, none of which another worker has or gets. */
export async function takeInquiries(
  sql: LedgerPool,
  workerId: string,
  limit: number,
): Promise<readonly TakenInquiry[]> {
  return sql<TakenInquiry[]>`
    WITH open AS MATERIALIZED (
      SELECT id FROM inquiries WHERE worker_id IS NULL AND expires_at > now()
      ORDER BY asked_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
    )
    UPDATE inquiries SET worker_id = ${workerId}, taken_at = now()
    FROM open WHERE inquiries.id = open.id
    RETURNING inquiries.id, question`;
}

/** Writes the answer, unless the asker has gone; null gives the question up. Tells the asker either way. What was asked about goes: it may hold a person's statement. */
export async function endInquiry(sql: LedgerPool, id: string, workerId: string, answer: Answer | null): Promise<void> {
  await sql`
    WITH ended AS (
      UPDATE inquiries SET answer = ${jsonb(sql, answer)}, question = question - 'tasks',
        answered_at = CASE WHEN ${answer !== null} THEN now() END,
        expires_at = CASE WHEN ${answer !== null} THEN expires_at ELSE now() END
      WHERE id = ${id} AND worker_id = ${workerId} AND answer IS NULL AND expires_at > now()
      RETURNING id
    )
    SELECT pg_notify(${answeredChannel}, id::text) FROM ended`;
}

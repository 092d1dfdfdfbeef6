import type { StuckMessage, UpkeepReader } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';
import { kindOf, messageNeed } from './message-need.ts';
import { readSubjects } from './read-subjects.ts';

type Filter = Parameters<UpkeepReader['stuckMessages']>[0];

interface StuckRow extends Omit<StuckMessage, 'kind' | 'need'> {
  readonly message: unknown;
}

/** Messages that failed so often, or wait for so long, the oldest first. */
export async function stuckMessages(
  sql: LedgerSql,
  { minAttempts, minAgeSeconds, limit }: Filter,
): ReturnType<UpkeepReader['stuckMessages']> {
  const isStuck = sql`(attempts >= ${minAttempts} OR created_at <= now() - make_interval(secs => ${minAgeSeconds}))`;
  const [counts] = await sql<[{ waiting: number; stuck: number }]>`
    SELECT count(*) AS waiting, count(*) FILTER (WHERE ${isStuck}) AS stuck FROM outbox`;
  const rows = await sql<StuckRow[]>`
    SELECT id, subject, message, attempts, last_error AS error, extract(epoch FROM now() - created_at)::float8 AS age_seconds,
      next_try_at <= now() AS is_due
    FROM outbox WHERE ${isStuck} ORDER BY id LIMIT ${limit}`;
  const subjects = await readSubjects(
    sql,
    rows.map(({ message }) => message),
  );
  const messages = rows.map(({ message, ...row }, position): StuckMessage => {
    const subject = subjects[position] ?? { job: undefined, schedule: false };
    return { ...row, kind: kindOf(message), need: messageNeed(message, subject) };
  });
  return { messages, ...counts };
}

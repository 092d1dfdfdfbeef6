import { instantOfId, isTimeOrderedId } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';
import { isMessage, type MessageSubject } from './message-need.ts';

/** What the ledger knows of whom each message is about, in the same order; of jobs only the days' partitions are read. */
export async function readSubjects(sql: LedgerSql, messages: readonly unknown[]): Promise<readonly MessageSubject[]> {
  const known = messages.filter(isMessage);
  const jobIds = known.flatMap((message) => ('jobId' in message ? [message.jobId] : [])).filter(isTimeOrderedId);
  const scheduleIds = known.flatMap((message) => ('scheduleId' in message ? [message.scheduleId] : []));
  const wanted = [...new Set(jobIds)].map((id) => ({ id, at: instantOfId(id) }));
  const jobs = await sql<{ id: string; isOver: boolean; generation: number }[]>`
    SELECT jobs.id, jobs.finished_at IS NOT NULL AS is_over, jobs.generation
    FROM jsonb_to_recordset(${jsonb(sql, wanted)}) AS wanted (id uuid, at timestamptz)
    JOIN jobs ON jobs.scheduled_for = wanted.at AND jobs.id = wanted.id`;
  const schedules = await sql<{ id: string }[]>`SELECT id FROM schedules WHERE id = ANY(${scheduleIds}::text[])`;
  const jobOf = new Map(jobs.map(({ id, isOver, generation }) => [id, { isOver, generation }]));
  const there = new Set(schedules.map(({ id }) => id));
  return messages.map((message) => ({
    job: isMessage(message) && 'jobId' in message ? jobOf.get(message.jobId) : undefined,
    schedule: isMessage(message) && 'scheduleId' in message && there.has(message.scheduleId),
  }));
}

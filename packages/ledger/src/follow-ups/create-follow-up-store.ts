import type { FollowUp, FollowUpReader, FollowUpWriter, PastFollowUp } from '@slacktide/application/ports';
import type { followUps } from '../schema/index.ts';
import type { LedgerSql } from '../sql.ts';

type Row = typeof followUps.$inferSelect;

/** What tasks asked for. */
export function createFollowUpReader(sql: LedgerSql): FollowUpReader {
  return {
    async listOpen(limit, afterId) {
      const rows = await sql<Row[]>`
        SELECT * FROM follow_ups WHERE job_id IS NULL AND refused IS NULL AND id > ${afterId} ORDER BY id LIMIT ${limit}`;
      return rows.map(followUpOf);
    },
  };
}

/** For whoever makes jobs of it. */
export function createFollowUpWriter(tx: LedgerSql): FollowUpWriter {
  return {
    async lockOpen(id) {
      const [row] = await tx<Row[]>`
        SELECT * FROM follow_ups WHERE id = ${id} AND job_id IS NULL AND refused IS NULL FOR UPDATE SKIP LOCKED`;
      return row === undefined ? undefined : followUpOf(row);
    },
    async markStarted(id, jobId) {
      await tx`UPDATE follow_ups SET job_id = ${jobId} WHERE id = ${id}`;
    },
    async markRefused(id, reason) {
      await tx`UPDATE follow_ups SET refused = ${reason} WHERE id = ${id}`;
    },
  };
}

function followUpOf(row: Row): FollowUp {
  const {
    id,
    targetId,
    askedByJobId,
    askedAt,
    type,
    config,
    windowStartHour,
    windowEndHour,
    timeLimitSeconds,
    reason,
  } = row;
  const window =
    windowStartHour === null || windowEndHour === null ? null : { startHour: windowStartHour, endHour: windowEndHour };
  return { id, targetId, askedByJobId, askedAt, type, config, window, timeLimitSeconds, reason };
}

/** The latest follow-up of each task type on a target. A job's id carries the day at which it is found, if it is not gone from history. */
export async function selectLatestFollowUps(sql: LedgerSql, targetId: string): Promise<readonly PastFollowUp[]> {
  return await sql<PastFollowUp[]>`
    SELECT DISTINCT ON (follow_ups.type) follow_ups.type, asked_at, job_id, jobs.state AS job_state, refused
    FROM follow_ups LEFT JOIN jobs ON jobs.id = job_id
      AND jobs.scheduled_for = to_timestamp(('x' || translate(left(job_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)::timestamptz(3)
    WHERE follow_ups.target_id = ${targetId} ORDER BY follow_ups.type, follow_ups.id DESC`;
}

/** For as long as the slowest rhythm of care, a month, and some more. */
export async function pruneFollowUps(sql: LedgerSql): Promise<void> {
  await sql`DELETE FROM follow_ups WHERE asked_at <= now() - interval '100 days'`;
}

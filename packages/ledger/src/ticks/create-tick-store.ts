import type { ScheduleAdvance, TickStore } from '@slacktide/application/ports';
import { insertJobs } from '../jobs/insert-jobs.ts';
import { addAllToOutbox } from '../outbox/add-all-to-outbox.ts';
import { type ScheduleRow, toSchedule } from '../schedules/schedule-row.ts';
import { jsonb, type LedgerSql } from '../sql.ts';
import { tickFacts } from './tick-facts.ts';

/** Ticks of many schedules in few statements, in a transaction. */
export function createTickStore(sql: LedgerSql): TickStore {
  return {
    async lockDue(limit, only) {
      const rows = await sql<ScheduleRow[]>`
        SELECT * FROM schedules
        WHERE enabled AND next_due_at <= now() ${only === undefined ? sql`` : sql`AND id = ANY(${[...only]})`}
        ORDER BY next_due_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
      return await tickFacts(sql, rows.map(toSchedule));
    },

    facts: (schedules) => tickFacts(sql, schedules),

    async write({ jobs, advances }) {
      const made = await insertJobs(sql, jobs);
      const messages = jobs.flatMap(({ id, generation, finishedAt }) =>
        finishedAt === null && made.has(id) ? [{ kind: 'flow.add', jobId: id, generation } as const] : [],
      );
      await Promise.all([addAllToOutbox(sql, messages), advance(sql, advances)]);
      return made;
    },
  };
}

async function advance(sql: LedgerSql, advances: readonly ScheduleAdvance[]): Promise<void> {
  if (advances.length === 0) return;
  // A schedule disabled in the meantime is not due; a late tick does not set the clock back.
  await sql`
    UPDATE schedules SET next_due_at = CASE WHEN enabled THEN "nextDueAt" END, last_tick_at = greatest(last_tick_at, "lastTickAt")
    FROM jsonb_to_recordset(${jsonb(sql, advances)}) AS ticked ("scheduleId" text, "nextDueAt" timestamptz, "lastTickAt" timestamptz)
    WHERE schedules.id = ticked."scheduleId"`;
}

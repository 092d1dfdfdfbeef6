import type { JobWriter } from '@slacktide/application/ports';
import { instantOfId, isTimeOrderedId } from '@slacktide/domain';
import type { LedgerSql } from '../sql.ts';
import { insertJob } from './insert-job.ts';
import { createJobReader } from './job-reader.ts';
import { type JobRow, toJob } from './job-row.ts';
import { requestCancel } from './request-cancel.ts';

/** Writes jobs in a transaction. */
export function createJobWriter(sql: LedgerSql): JobWriter {
  return {
    insert: (job) => insertJob(sql, job),

    async getForUpdate(id) {
      if (!isTimeOrderedId(id)) return undefined;
      await sql`SELECT FROM jobs WHERE scheduled_for = ${instantOfId(id)} AND id = ${id} FOR UPDATE`;
      // A statement of its own, begun after the lock was had: it sees what the one waited for wrote.
      return createJobReader(sql).get(id);
    },

    requestCancel: (id, at) => requestCancel(sql, id, at),

    async findOpen(scheduleId, targetId) {
      const rows = await sql<JobRow[]>`
        SELECT * FROM jobs WHERE target_id = ${targetId} AND schedule_id = ${scheduleId} AND finished_at IS NULL
        ORDER BY scheduled_for, id`;
      return rows.map(toJob);
    },
  };
}

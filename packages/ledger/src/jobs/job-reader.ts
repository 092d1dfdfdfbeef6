import type { JobReader } from '@slacktide/application/ports';
import { instantOfId, isTimeOrderedId } from '@slacktide/domain';
import { pageOf } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { jobsPage } from './jobs-page.ts';
import { selectJobs, toJobWithTasks } from './select-jobs.ts';

/** Reads jobs with their tasks and steps. */
export function createJobReader(sql: LedgerSql): JobReader {
  return {
    async get(id) {
      if (!isTimeOrderedId(id)) return undefined;
      const [row] = await selectJobs(
        sql,
        sql`SELECT * FROM jobs WHERE scheduled_for = ${instantOfId(id)} AND id = ${id}`,
      );
      return row && toJobWithTasks(row);
    },

    async list(page, filter = {}) {
      const rows = await selectJobs(sql, jobsPage(sql, page, filter));
      return pageOf(rows.map(toJobWithTasks), page, ({ scheduledFor, id }) => ({ at: scheduledFor, id }));
    },
  };
}

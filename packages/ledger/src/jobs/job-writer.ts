import type { JobWriter } from '@slacktide/application/ports';
import { instantOfId, isTimeOrderedId } from '@slacktide/domain';
import type { AuditAuthor } from '../audit/insert-audit.ts';
import type { LedgerSql } from '../sql.ts';
import { insertJob } from './insert-job.ts';
import { createJobReader } from './job-reader.ts';
import { requestCancel } from './request-cancel.ts';
import { resolveTask } from './resolve-task.ts';

/** Writes jobs in a transaction of `author`. */
export function createJobWriter(sql: LedgerSql, author: AuditAuthor): JobWriter {
  const getForUpdate: JobWriter['getForUpdate'] = async (id) => {
    if (!isTimeOrderedId(id)) return undefined;
    await sql`SELECT FROM jobs WHERE scheduled_for = ${instantOfId(id)} AND id = ${id} FOR UPDATE`;
    // A statement of its own, begun after the lock was had: it sees what the one waited for wrote.
    return await createJobReader(sql).get(id);
  };
  return {
    insert: (job) => insertJob(sql, job),

    getForUpdate,

    async getOfTaskForUpdate(taskId) {
      if (!isTimeOrderedId(taskId)) return undefined;
      const [task] = await sql<{ jobId: string }[]>`
        SELECT job_id FROM tasks WHERE scheduled_for = ${instantOfId(taskId)} AND id = ${taskId}`;
      return task && (await getForUpdate(task.jobId));
    },

    requestCancel: (id, at) => requestCancel(sql, id, at, author),
    resolveTask: (task) => resolveTask(sql, task),

    async update({ id, state, generation, halted }) {
      await sql`
        UPDATE jobs SET state = ${state}, generation = ${generation}, halted = ${halted}
        WHERE scheduled_for = ${instantOfId(id)} AND id = ${id}`;
    },
  };
}

import type { ResolvedTask } from '@slacktide/application/ports';
import { instantOfId } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';
import { upsertSteps } from '../task-executions/upsert-steps.ts';

/** Writes what a person said became of a task; only one that needs an operator is changed. */
export async function resolveTask(sql: LedgerSql, { steps, ...task }: ResolvedTask): Promise<void> {
  const { count } = await sql`
    WITH held AS (
      UPDATE tasks SET state = ${task.state}, result = ${jsonb(sql, task.result)}, error = ${jsonb(sql, task.error)},
        progress = ${task.progress}, crashes = ${task.crashes}, reason = ${task.reason}, started_at = ${task.startedAt},
        finished_at = ${task.finishedAt}
      WHERE scheduled_for = ${instantOfId(task.id)} AND id = ${task.id} AND state = 'NEEDS_OPERATOR'
      RETURNING scheduled_for, id
    ), written AS (${upsertSteps(sql, steps)})
    SELECT FROM held`;
  if (count !== 1) throw new Error(`expected task ${task.id} to need an operator`);
}

import type { Remnant, Remnants } from '@slacktide/application/ports';
import type { Fragment, PendingQuery } from 'postgres';
import { jsonb, type LedgerPool, type LedgerSql } from '../sql.ts';
import { heldTask } from '../task-executions/held-task.ts';

/** What tasks may have left behind on targets. */
export function createRemnants(pool: LedgerPool): Remnants {
  return {
    async record(claimed, { kind, proof }) {
      const [row] = await pool<Pick<Remnant, 'id' | 'recordedAt'>[]>`
        INSERT INTO remnants (target_id, task_id, task_type, fence, kind, proof)
        SELECT ${claimed.target.id}, tasks.id, tasks.type, tasks.fence, ${kind}, ${jsonb(pool, proof)} FROM tasks WHERE ${heldTask(pool, claimed)}
        RETURNING id, recorded_at`;
      if (row === undefined) return undefined;
      const { task, target, fence } = claimed;
      return { ...row, targetId: target.id, taskId: task.id, taskType: task.type, fence, kind, proof };
    },

    async close(id, outcome, note) {
      // The first word stands: two may have looked at once, and what the second found absent the first had swept.
      await pool`
        UPDATE remnants SET closed_at = clock_timestamp(), outcome = ${outcome}, note = ${note} WHERE id = ${id} AND closed_at IS NULL`;
    },

    listOpen: async (targetId) => await selectRemnants(pool, pool`remnants.target_id = ${targetId}`),
  };
}

/** What was found absent, swept or kept is known for 30 days: for whoever asks about a target. Open ones stay for as long as they are open. */
export async function pruneRemnants(sql: LedgerSql): Promise<void> {
  await sql`DELETE FROM remnants WHERE closed_at <= now() - interval '30 days'`;
}

/**
 * Remnants that are not closed, oldest first. Those of the release before say their type by their task only, whose id carries the day at which it is
 * found, if it is not gone from history.
 */
export function selectRemnants(sql: LedgerSql, condition: Fragment): PendingQuery<Remnant[]> {
  return sql<Remnant[]>`
    SELECT remnants.id, remnants.target_id, remnants.task_id, coalesce(remnants.task_type, tasks.type) AS task_type, remnants.fence, remnants.kind, remnants.proof,
      remnants.recorded_at
    FROM remnants LEFT JOIN tasks ON tasks.id = remnants.task_id
      AND tasks.scheduled_for = to_timestamp(('x' || translate(left(remnants.task_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)::timestamptz(3)
    WHERE remnants.closed_at IS NULL AND ${condition} ORDER BY remnants.id`;
}

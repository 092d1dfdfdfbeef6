import type { ActRecords } from '@slacktide/application/ports';
import { recordFollowUp } from '../follow-ups/record-follow-up.ts';
import { recordLearnings } from '../learnings/record-learnings.ts';
import { jsonb, type LedgerPool, type LedgerSql } from '../sql.ts';
import { heldTask } from '../task-executions/held-task.ts';
import { pruneWatches } from '../watches/read-watches.ts';
import { createWatchRecords } from '../watches/watch-records.ts';

/** What act work leaves in the ledger: effects, and how to take things back. */
export function createActRecords(pool: LedgerPool): ActRecords {
  return {
    async effect(claimed, effect) {
      const { count } = await pool`
        INSERT INTO effects (target_id, job_id, task_type, action, object, object_kind, duration_ms, size_before_bytes, size_after_bytes,
          waste_before_percent, waste_after_percent, detail)
        SELECT ${claimed.target.id}, tasks.job_id, tasks.type, ${effect.action}, ${effect.object}, ${effect.objectKind}, ${effect.durationMs},
          ${effect.sizeBeforeBytes}::float8, ${effect.sizeAfterBytes}::float8, ${effect.wasteBeforePercent}::float8,
          ${effect.wasteAfterPercent}::float8, ${jsonb(pool, effect.detail)}
        FROM tasks WHERE ${heldTask(pool, claimed)}`;
      return count > 0;
    },

    learn: (claimed, kind, learned) => recordLearnings(pool, claimed, kind, learned),

    followUp: (claimed, followUp) => recordFollowUp(pool, claimed, followUp),

    async prepareRollback(claimed, { object, summary, statements }) {
      const [row] = await pool<{ id: string }[]>`
        INSERT INTO rollback_points (target_id, job_id, task_id, object, summary, statements, state)
        SELECT ${claimed.target.id}, tasks.job_id, tasks.id, ${object}, ${summary}, ${[...statements]}::text[], 'prepared'
        FROM tasks WHERE ${heldTask(pool, claimed)} RETURNING id`;
      return row?.id;
    },

    async settleRollback(claimed, id, state) {
      const { count } = await pool`
        UPDATE rollback_points SET state = ${state} FROM tasks
        WHERE rollback_points.id = ${id} AND rollback_points.state = 'prepared' AND rollback_points.task_id = tasks.id AND ${heldTask(pool, claimed)}`;
      return count > 0;
    },

    ...createWatchRecords(pool),
  };
}

/** A year of effects tells how fast things grow back; what could be taken back is of no use after ninety days. */
export async function pruneActRecords(sql: LedgerSql): Promise<void> {
  await sql`DELETE FROM effects WHERE at <= now() - interval '400 days'`;
  await sql`DELETE FROM rollback_points WHERE created_at <= now() - interval '90 days'`;
  await pruneWatches(sql);
}

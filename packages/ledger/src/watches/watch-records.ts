import type { ActRecords } from '@slacktide/application/ports';
import { jsonb, type LedgerPool } from '../sql.ts';
import { heldTask } from '../task-executions/held-task.ts';

type WatchRecords = Pick<ActRecords, 'prepareWatch' | 'settleWatch' | 'recordLook' | 'useRollback'>;

/** What tasks write of watches, under their fence. */
export function createWatchRecords(pool: LedgerPool): WatchRecords {
  return {
    async prepareWatch(claimed, { object, table, baseline, rule, lookEverySeconds, lastsSeconds }) {
      const [row] = await pool<{ id: string }[]>`
        INSERT INTO watches (target_id, job_id, task_id, rollback_point_id, object, table_name, baseline, min_calls, max_slower_percent,
          roll_back_when_worse, look_every_seconds, lasts_seconds, state, until, next_look_at)
        SELECT ${claimed.target.id}, tasks.job_id, tasks.id, point.id, ${object}, ${table}, ${jsonb(pool, baseline)}, ${rule.minCalls}::int,
          ${rule.maxSlowerPercent}::float8, ${rule.rollBackWhenWorse}::boolean, ${lookEverySeconds}::int, ${lastsSeconds}::int, 'prepared',
          now() + make_interval(secs => ${lastsSeconds}::int), now() + make_interval(secs => ${lookEverySeconds}::int)
        FROM tasks CROSS JOIN LATERAL (
          SELECT id FROM rollback_points WHERE rollback_points.task_id = tasks.id AND rollback_points.job_id = tasks.job_id
            AND rollback_points.object = ${object} AND rollback_points.state = 'prepared' ORDER BY created_at DESC LIMIT 1) AS point
        WHERE ${heldTask(pool, claimed)} RETURNING id`;
      return row?.id;
    },

    async settleWatch(claimed, id, state) {
      // A watch over what was done counts from when it was done, however long that took.
      const { count } = await pool`
        UPDATE watches SET state = ${state}, finished_at = CASE WHEN ${state} = 'void' THEN now() END, started_at = now(),
          until = now() + make_interval(secs => lasts_seconds), next_look_at = now() + make_interval(secs => look_every_seconds)
        FROM tasks WHERE watches.id = ${id} AND watches.state = 'prepared' AND watches.task_id = tasks.id AND ${heldTask(pool, claimed)}`;
      return count > 0;
    },

    async recordLook(claimed, id, { state, evidence }) {
      const [held] = await pool<{ held: boolean }[]>`
        WITH held AS (SELECT tasks.id FROM tasks WHERE ${heldTask(pool, claimed)}), looked AS (
          UPDATE watches SET state = ${state}, evidence = ${jsonb(pool, evidence)},
            finished_at = CASE WHEN ${state} NOT IN ('prepared', 'open') THEN now() END
          FROM held WHERE watches.id = ${id} AND watches.target_id = ${claimed.target.id} AND watches.state IN ('prepared', 'open'))
        SELECT EXISTS (SELECT FROM held) AS held`;
      return held?.held === true;
    },

    async useRollback(claimed, id) {
      const [held] = await pool<{ held: boolean }[]>`
        WITH held AS (SELECT tasks.job_id FROM tasks WHERE ${heldTask(pool, claimed)}), used AS (
          UPDATE rollback_points SET state = 'used', used_by_job_id = held.job_id FROM held
          WHERE rollback_points.id = ${id} AND rollback_points.target_id = ${claimed.target.id} AND rollback_points.state IN ('prepared', 'armed')),
        ended AS (
          UPDATE watches SET state = 'rolled_back', finished_at = now(), rollback_job_id = held.job_id FROM held
          WHERE watches.rollback_point_id = ${id} AND watches.target_id = ${claimed.target.id} AND watches.state IN ('prepared', 'open', 'worse'))
        SELECT EXISTS (SELECT FROM held) AS held`;
      return held?.held === true;
    },
  };
}

import type { Reconciliation, TickWatch, TimerSpec } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';
import { exclusively } from './exclusively.ts';
import { listOpenFlows, listWanted } from './flows.ts';
import { listStuck, listUnclear } from './neglected-tasks.ts';
import { rebuild } from './rebuild.ts';
import { listUnended } from './unended.ts';

/** The ledger's side of reconciling. */
export function createReconciliation(sql: LedgerPool): Reconciliation {
  return {
    exclusively: (name, work) => exclusively(sql, name, work),
    listUnended: (limit) => listUnended(sql, limit),
    listOpenFlows: (page) => listOpenFlows(sql, page),
    rebuild: (lost) => rebuild(sql, lost),
    listWanted: (flows) => listWanted(sql, flows),

    async countTimers() {
      const [{ timers }] = await sql<[{ timers: number }]>`SELECT count(*) AS timers FROM schedules WHERE enabled`;
      return timers;
    },

    async listTimers({ after, limit }) {
      return sql<TimerSpec[]>`
        SELECT id, cron_expression, timezone FROM schedules WHERE enabled AND id > ${after ?? ''} ORDER BY id LIMIT ${limit}`;
    },

    async listWantedTimers(scheduleIds) {
      const rows = await sql<{ id: string }[]>`
        SELECT id FROM schedules WHERE enabled AND id = ANY(${[...scheduleIds]})`;
      return rows.map(({ id }) => id);
    },

    async listOverdue(lateByMs, limit) {
      const rows = await sql<{ id: string }[]>`
        SELECT id FROM schedules WHERE enabled AND next_due_at < now() - make_interval(secs => ${lateByMs / 1000})
        ORDER BY next_due_at, id LIMIT ${limit}`;
      return rows.map(({ id }) => id);
    },

    listStuck: (forMs, limit) => listStuck(sql, forMs, limit),
    listUnclear: (limit) => listUnclear(sql, limit),

    async listTickWatches({ after, limit }) {
      return sql<TickWatch[]>`
        SELECT id, name, cron_expression, timezone, greatest(last_tick_at, updated_at) AS since
        FROM schedules WHERE enabled AND id > ${after ?? ''} ORDER BY id LIMIT ${limit}`;
    },
  };
}

import type { HealthStore, Lateness, WorkerHeartbeat } from '@slacktide/application/ports';
import { listSignals, repeatSignal, sweepSignals, upsertSignal } from './signals/signal-rows.ts';
import { jsonb, type LedgerPool } from './sql.ts';

/** Signals and heartbeats, all at the ledger's time. */
export function createHealthStore(sql: LedgerPool): HealthStore {
  return {
    async putSignal(signal) {
      await sweepSignals(sql);
      return upsertSignal(sql, signal);
    },

    async repeatSignal(signal) {
      await sweepSignals(sql);
      return repeatSignal(sql, signal);
    },

    listSignals: () => listSignals(sql),

    async beat({ id, host, version, taskTypes, concurrency, startedAt, draining, clockSkewMs }) {
      // That a worker died is news for a day. One statement, so that the time it tells lies within one round trip.
      const [row] = await sql<{ now: Date }[]>`
        WITH forgotten AS (DELETE FROM workers WHERE last_seen_at < now() - interval '1 day' AND id <> ${id})
        INSERT INTO workers (id, host, version, task_types, concurrency, started_at, last_seen_at, draining, clock_skew_ms)
        VALUES (${id}, ${host}, ${version}, ${jsonb(sql, taskTypes)}, ${concurrency}, ${startedAt}, now(), ${draining}, ${clockSkewMs})
        ON CONFLICT (id) DO UPDATE SET host = excluded.host, version = excluded.version, task_types = excluded.task_types,
          concurrency = excluded.concurrency, started_at = excluded.started_at, last_seen_at = excluded.last_seen_at,
          draining = excluded.draining, clock_skew_ms = excluded.clock_skew_ms
        RETURNING clock_timestamp() AS now`;
      if (row === undefined) throw new Error('expected the heartbeat to be written');
      return row.now;
    },

    async signOff(workerId) {
      await sql`DELETE FROM workers WHERE id = ${workerId}`;
    },

    async listWorkers() {
      return sql<WorkerHeartbeat[]>`
        SELECT id, host, version, task_types, concurrency, started_at, last_seen_at, draining, clock_skew_ms FROM workers ORDER BY id`;
    },

    async readLateness(lateAfterSeconds) {
      // One row: while ticks stand still every schedule there is may be late, and this is asked every few seconds.
      const [row] = await sql<{ count: number; worst: Lateness['worst'] }[]>`
        SELECT
          (SELECT count(*)::int FROM schedules
           WHERE enabled AND next_due_at < now() - make_interval(secs => ${lateAfterSeconds}::float8)) AS count,
          (SELECT jsonb_build_object(
             'scheduleId', id, 'name', name, 'lateSeconds', extract(epoch FROM now() - next_due_at)::float8)
           FROM schedules WHERE enabled AND next_due_at < now() ORDER BY next_due_at, id LIMIT 1) AS worst`;
      if (row === undefined) throw new Error('expected a row of lateness');
      return row;
    },

    async ping() {
      await sql`SELECT`;
    },
  };
}

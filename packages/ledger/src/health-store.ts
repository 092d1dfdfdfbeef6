import type { HealthStore, Signal, WorkerHeartbeat } from '@slacktide/application/ports';
import { jsonb, type LedgerPool } from './sql.ts';

/** Signals and heartbeats, all at the ledger's time. */
export function createHealthStore(sql: LedgerPool): HealthStore {
  return {
    async putSignal({ module, status, message, lifeSeconds }) {
      await sql`DELETE FROM health_signals WHERE expires_at < now() - interval '1 hour'`;
      const [signal] = await sql<[Signal]>`
        INSERT INTO health_signals (module, status, message, at, expires_at)
        VALUES (${module}, ${status}, ${message}, now(), now() + make_interval(secs => ${lifeSeconds}))
        ON CONFLICT (module) DO UPDATE
          SET status = excluded.status, message = excluded.message, at = excluded.at, expires_at = excluded.expires_at
        RETURNING module, status, message, at, expires_at`;
      return { ...signal };
    },

    async listSignals() {
      return sql<Signal[]>`
        SELECT module, status, message, at, expires_at FROM health_signals
        WHERE expires_at >= now() - interval '1 hour' ORDER BY module`;
    },

    async beat({ id, host, version, taskTypes, concurrency, startedAt, draining }) {
      // That a worker died is news for a day.
      await sql`DELETE FROM workers WHERE last_seen_at < now() - interval '1 day'`;
      await sql`
        INSERT INTO workers (id, host, version, task_types, concurrency, started_at, last_seen_at, draining)
        VALUES (${id}, ${host}, ${version}, ${jsonb(sql, taskTypes)}, ${concurrency}, ${startedAt}, now(), ${draining})
        ON CONFLICT (id) DO UPDATE SET host = excluded.host, version = excluded.version, task_types = excluded.task_types,
          concurrency = excluded.concurrency, started_at = excluded.started_at, last_seen_at = excluded.last_seen_at,
          draining = excluded.draining`;
    },

    async signOff(workerId) {
      await sql`DELETE FROM workers WHERE id = ${workerId}`;
    },

    async listWorkers() {
      return sql<WorkerHeartbeat[]>`
        SELECT id, host, version, task_types, concurrency, started_at, last_seen_at, draining FROM workers ORDER BY id`;
    },

    async listLate() {
      return sql<{ scheduleId: string; name: string; lateSeconds: number }[]>`
        SELECT id AS schedule_id, name, extract(epoch FROM now() - next_due_at)::float8 AS late_seconds
        FROM schedules WHERE enabled AND next_due_at < now() ORDER BY next_due_at, id`;
    },

    async ping() {
      await sql`SELECT`;
    },
  };
}

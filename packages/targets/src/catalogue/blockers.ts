import type { TargetReader } from '@slacktide/application/ports';
import { redactStatement } from '@slacktide/domain';
import { outlivedSnapshotSql } from './outlived-snapshots.ts';

/** What is about to be done to an index of the table, always CONCURRENTLY. */
export type GatedOperation = 'create' | 'reindex' | 'drop';

/** Somebody a `… INDEX CONCURRENTLY` would wait for now. Fields the role may not see are null. */
export interface Blocker {
  /** It holds (or queues for) a lock on the table, or a snapshot that must be over first. */
  readonly why: 'lock' | 'snapshot';
  /** Null for a prepared transaction. */
  readonly pid: number | null;
  readonly backendStart: string | null;
  /** Its virtual transaction id, which the next transaction of the session does not have, and every role may see; null = it is in none. */
  readonly transaction: string | null;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly backendType: string | null;
  readonly state: string | null;
  readonly transactionAgeSeconds: number | null;
  /** Lock modes, or `xmin … age …`. */
  readonly detail: string;
  /** Its statement, or its last one, without literals. */
  readonly query: string | null;
  readonly preparedTransaction: string | null;
  readonly preparedAt: string | null;
}

/** Agreed with the server's real waits in 17 scenarios for all three operations; see the tests for what waits and what does not. */
const gateSql = `
WITH me AS (SELECT oid AS db FROM pg_database WHERE datname = current_database()),
op AS (SELECT CASE $2::text WHEN 'create'
    THEN ARRAY['RowExclusiveLock','ShareUpdateExclusiveLock','ShareLock','ShareRowExclusiveLock','ExclusiveLock','AccessExclusiveLock']
    ELSE ARRAY['AccessShareLock','RowShareLock','RowExclusiveLock','ShareUpdateExclusiveLock','ShareLock','ShareRowExclusiveLock','ExclusiveLock','AccessExclusiveLock'] END AS modes),
lk AS (
  SELECT 'lock'::text AS why, l.pid, l.virtualtransaction AS vxid,
    string_agg(l.mode || CASE WHEN l.granted THEN '' ELSE ' (queued)' END, ', ' ORDER BY l.mode) AS detail
  FROM pg_locks l, me, op
  WHERE l.locktype = 'relation' AND l.database = me.db AND l.relation = $1::oid AND l.pid IS DISTINCT FROM pg_backend_pid()
    AND (l.granted AND l.mode = ANY (op.modes)
         OR NOT l.granted AND l.mode IN ('ShareUpdateExclusiveLock','ShareLock','ShareRowExclusiveLock','ExclusiveLock','AccessExclusiveLock'))
  GROUP BY 2, 3),
snap AS (
  SELECT 'snapshot'::text AS why, a.pid, v.virtualtransaction AS vxid, 'xmin ' || a.backend_xmin || ' age ' || age(a.backend_xmin) AS detail
  FROM pg_stat_activity a CROSS JOIN me LEFT JOIN pg_locks v ON v.pid = a.pid AND v.locktype = 'virtualxid' AND v.granted
  WHERE $2::text <> 'drop' AND a.datid = me.db AND a.pid <> pg_backend_pid() AND ${outlivedSnapshotSql}),
w AS (SELECT * FROM lk UNION ALL SELECT * FROM snap)
SELECT w.why, w.pid, a.backend_start::text AS "backendStart", a.usename::text AS "user", a.application_name AS "applicationName",
  a.backend_type AS "backendType", w.vxid AS transaction, a.state, extract(epoch FROM now() - coalesce(a.xact_start, px.prepared))::float8 AS "transactionAgeSeconds", w.detail,
  a.query, px.gid AS "preparedTransaction", px.prepared::text AS "preparedAt"
FROM w LEFT JOIN pg_stat_activity a ON a.pid = w.pid
  LEFT JOIN pg_locks t ON w.pid IS NULL AND t.locktype = 'transactionid' AND t.virtualtransaction = w.vxid AND t.granted
  LEFT JOIN pg_prepared_xacts px ON px.transaction = t.transactionid
WHERE w.pid IS NULL OR w.pid <> ALL ($3::int[])
ORDER BY a.xact_start NULLS FIRST`;

/**
 * The start gate: who would make `operation` CONCURRENTLY on an index of this table wait. Empty = go. A look, not a
 * promise. A role without pg_read_all_stats sees more than there is, never less. `ignorePids` are our own sessions.
 */
export async function readBlockers(
  reader: TargetReader,
  tableOid: number,
  operation: GatedOperation,
  ignorePids: readonly number[] = [],
): Promise<Blocker[]> {
  const blockers = await reader.query<Blocker>(gateSql, [tableOid, operation, ignorePids]);
  return blockers.map((blocker) => ({ ...blocker, query: blocker.query ? redactStatement(blocker.query) : null }));
}

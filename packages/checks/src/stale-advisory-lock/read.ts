import type { TargetReader } from '@slacktide/application/ports';
import {
  type EndRefusal,
  endRefusalSql,
  readStatsGrantSql,
  secondsSinceSql,
  signalGrantSql,
  signalStatementSql,
  stateHiddenSql,
} from '../catalogue/sessions.ts';

/** The session that holds a lock, as far as our role may see it. */
export interface HoldingSession {
  readonly pid: number;
  /** The rest is null where our role may not see it. */
  readonly hidden: boolean;
  readonly backendStart: string | null;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly clientAddress: string | null;
  readonly backendType: string | null;
  /** `disabled` or null = the session does not tell. */
  readonly state: string | null;
  /** Since its state changed last. */
  readonly stateSeconds: number | null;
  /** Null = it is in no transaction. */
  readonly transactionSeconds: number | null;
  /** Its last statement, with literals. */
  readonly query: string | null;
  readonly refusal: EndRefusal | null;
  /** Ends it, unless it did anything since this look. */
  readonly endSql: string | null;
}

/** A transaction that was prepared, and still holds what it held. */
export interface HoldingPrepared {
  readonly gid: string;
  readonly owner: string;
  readonly preparedAt: string;
  readonly seconds: number;
  /** Would end it; quoted. */
  readonly statement: string;
}

/** One key held by one session or prepared transaction, however often and in however many modes. */
export interface HeldLock {
  /** `42` for a bigint, `7,8` for two integers. */
  readonly key: string;
  readonly modes: readonly string[];
  readonly session: HoldingSession | null;
  readonly prepared: HoldingPrepared | null;
  /** Sessions that this holder makes wait, and for how long the first of them has. */
  readonly waiters: number;
  readonly longestWaitSeconds: number | null;
}

export interface AdvisoryLockFacts {
  readonly locks: readonly HeldLock[];
  /** Requests that were not granted yet, in this database. */
  readonly waiting: number;
  readonly readStatsGrant: string;
  readonly signalGrant: string;
}

/** Asking who blocks a session briefly stops the lock manager, so that no more than these are asked. */
const mostWaiters = 200;

/**
 * objsubid 1 = one bigint in two halves, 2 = two integers; both come back signed. Locks of other databases are other targets'. A worker's
 * lock is its leader's. Who waits behind a prepared transaction is blocked by pid 0, so that there the key decides.
 */
const locksSql = `
WITH locks AS MATERIALIZED (
  SELECT l.*, CASE l.objsubid WHEN 1 THEN ((l.classid::int8 << 32) | l.objid::int8)::text
    ELSE concat((l.classid::int8 << 32) >> 32, ',', (l.objid::int8 << 32) >> 32) END AS key
  FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())),
activity AS MATERIALIZED (SELECT * FROM pg_stat_activity),
waits AS MATERIALIZED (
  SELECT key, objsubid, pid, waitstart, pg_blocking_pids(pid) AS blockers
  FROM (SELECT * FROM locks WHERE NOT granted ORDER BY waitstart LIMIT ${mostWaiters}) w),
held AS (
  SELECT l.key, l.objsubid, coalesce(a.leader_pid, l.pid) AS pid,
    CASE WHEN l.pid IS NULL THEN l.virtualtransaction END AS vxid, array_agg(DISTINCT l.mode ORDER BY l.mode) AS modes
  FROM locks l LEFT JOIN activity a ON a.pid = l.pid WHERE l.granted GROUP BY 1, 2, 3, 4)
SELECT h.key, h.modes,
  CASE WHEN a.pid IS NOT NULL THEN json_build_object('pid', a.pid, 'hidden', ${stateHiddenSql},
    'backendStart', a.backend_start::text, 'user', a.usename, 'applicationName', a.application_name, 'clientAddress', host(a.client_addr),
    'backendType', a.backend_type, 'state', a.state, 'stateSeconds', ${secondsSinceSql('a.state_change')},
    'transactionSeconds', ${secondsSinceSql('a.xact_start')}, 'query', left(a.query, 2000),
    'refusal', ${endRefusalSql},
    'endSql', ${signalStatementSql('pg_terminate_backend')}) END AS session,
  CASE WHEN x.gid IS NOT NULL THEN json_build_object('gid', x.gid, 'owner', x.owner, 'preparedAt', x.prepared::text,
    'seconds', ${secondsSinceSql('x.prepared')}, 'statement', format('ROLLBACK PREPARED %L', x.gid)) END AS prepared,
  w.waiters, w.seconds AS "longestWaitSeconds"
FROM held h
  LEFT JOIN activity a ON a.pid = h.pid
  LEFT JOIN pg_roles r ON r.oid = a.usesysid
  LEFT JOIN pg_locks t ON h.pid IS NULL AND t.locktype = 'transactionid' AND t.granted AND t.virtualtransaction = h.vxid
  LEFT JOIN pg_prepared_xacts x ON x.transaction = t.transactionid
  CROSS JOIN LATERAL (
    SELECT count(DISTINCT pid)::int AS waiters, ${secondsSinceSql('min(waitstart)')} AS seconds
    FROM waits WHERE waits.key = h.key AND waits.objsubid = h.objsubid AND coalesce(h.pid, 0) = ANY (waits.blockers)) w
WHERE a.pid IS NOT NULL OR x.gid IS NOT NULL
ORDER BY h.pid, h.objsubid, h.key`;

const aroundSql = `
SELECT (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS waiting,
  ${readStatsGrantSql} AS "readStatsGrant", ${signalGrantSql} AS "signalGrant"`;

/** Anybody may see who holds which lock; not everybody, in which state the holder is. */
export async function readAdvisoryLocks(reader: TargetReader): Promise<AdvisoryLockFacts> {
  const locks = await reader.query<HeldLock>(locksSql);
  const [around] = await reader.query<Omit<AdvisoryLockFacts, 'locks'>>(aroundSql);
  if (around === undefined) throw new Error('a SELECT without FROM returned no row');
  return { locks, ...around };
}

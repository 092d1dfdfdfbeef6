import type { TargetReader } from '@slacktide/application/ports';
import { redactStatement } from '@slacktide/domain';

/** Somebody whose lock request waits behind a session. Fields our role may not see are null. */
export interface Waiting {
  readonly pid: number;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly waitedSeconds: number | null;
}

/** A session as it is now. Fields our role may not see are null. */
export interface SessionState {
  readonly pid: number;
  /** Since when: together with the pid it names one session for ever. As the server prints it, unrounded. */
  readonly backendStart: string;
  readonly backendType: string | null;
  readonly user: string | null;
  readonly isSuperuser: boolean;
  readonly applicationName: string | null;
  readonly clientAddress: string | null;
  readonly state: string | null;
  /** Changes with everything the session does. */
  readonly stateChange: string | null;
  readonly stateSeconds: number | null;
  readonly statementSeconds: number | null;
  readonly transactionSeconds: number | null;
  /** Its statement, or its last one, without literals. */
  readonly statement: string;
  /** Whom it makes wait, the longest wait first. */
  readonly waiting: readonly Waiting[];
  /** Our role may signal it. */
  readonly permitted: boolean;
  /** The GRANT that lets it. */
  readonly grant: string;
  /** Each reaches this session only while it has done nothing since this look. */
  readonly cancelSql: string;
  readonly terminateSql: string;
}

/** Asking who blocks a session briefly stops the lock manager, so that no more than these are asked. */
const mostWaiters = 200;

/**
 * The statement that signals the session in `a`. A pid may belong to somebody else by then, and the session may be at something else:
 * then it signals nobody, and returns no row.
 */
function signalSql(signal: 'pg_cancel_backend' | 'pg_terminate_backend'): string {
  const statement = [
    `SELECT pg_catalog.${signal}(a.pid) AS sent FROM pg_catalog.pg_stat_activity AS a`,
    'WHERE a.pid = %s AND a.backend_start = %L::pg_catalog.timestamptz AND a.state_change = %L::pg_catalog.timestamptz',
    'AND a.xact_start IS NOT DISTINCT FROM %L::pg_catalog.timestamptz AND a.query_start IS NOT DISTINCT FROM %L::pg_catalog.timestamptz',
  ].join(' ');
  return `format('${statement}', a.pid, a.backend_start::text, a.state_change::text, a.xact_start::text, a.query_start::text)`;
}

const secondsSince = (time: string): string => `extract(epoch FROM clock_timestamp() - ${time})::float8`;

const sessionsSql = `
WITH waits AS MATERIALIZED (
  SELECT w.pid, w.waitstart, pg_blocking_pids(w.pid) AS blockers
  FROM (SELECT pid, min(waitstart) AS waitstart FROM pg_locks WHERE NOT granted GROUP BY pid ORDER BY min(waitstart) LIMIT ${mostWaiters}) w)
SELECT a.pid, a.backend_start::text AS "backendStart", a.backend_type AS "backendType", a.usename::text AS "user",
  coalesce(r.rolsuper, false) AS "isSuperuser", a.application_name AS "applicationName", host(a.client_addr) AS "clientAddress",
  a.state, a.state_change::text AS "stateChange", ${secondsSince('a.state_change')} AS "stateSeconds",
  ${secondsSince('a.query_start')} AS "statementSeconds", ${secondsSince('a.xact_start')} AS "transactionSeconds",
  left(a.query, 4000) AS statement,
  (SELECT coalesce(json_agg(json_build_object('pid', w.pid, 'user', o.usename, 'applicationName', o.application_name,
      'waitedSeconds', ${secondsSince('w.waitstart')}) ORDER BY w.waitstart), '[]')
    FROM waits w LEFT JOIN pg_stat_activity o ON o.pid = w.pid WHERE a.pid = ANY (w.blockers)) AS waiting,
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    OR NOT coalesce(r.rolsuper, true) AND (pg_has_role(r.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')) AS permitted,
  format('GRANT pg_signal_backend TO %I', current_user) AS "grant",
  ${signalSql('pg_cancel_backend')} AS "cancelSql", ${signalSql('pg_terminate_backend')} AS "terminateSql"
FROM pg_stat_activity a LEFT JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.pid = ANY ($1::int[]) AND a.backend_start IS NOT NULL AND a.datname = current_database() AND a.pid <> pg_backend_pid()
ORDER BY a.pid`;

/** The sessions of these pids, of this database only: those of others are other targets'. */
export async function readSessions(reader: TargetReader, pids: readonly number[]): Promise<readonly SessionState[]> {
  if (pids.length === 0) return [];
  const sessions = await reader.query<SessionState>(sessionsSql, [pids]);
  return sessions.map((session) => ({ ...session, statement: redactStatement(session.statement ?? '') }));
}

/** One session, by pid and start; undefined = it is gone. */
export async function readSession(
  reader: TargetReader,
  pid: number,
  backendStart: string,
): Promise<SessionState | undefined> {
  const [session] = await readSessions(reader, [pid]);
  return session?.backendStart === backendStart ? session : undefined;
}

import type { JsonObject } from '@slacktide/domain';

/** Why our role may not end a session. */
export type EndRefusal = 'superuser' | 'not_granted';

/**
 * SQL expression: why our role may not signal the session in `a` (pg_stat_activity), null = it may. `r` is the session's role (pg_roles,
 * joined by usesysid). The server never lets anybody but superusers signal a superuser's session.
 */
export const endRefusalSql = `CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN NULL
    WHEN r.rolsuper THEN 'superuser'
    WHEN pg_has_role(r.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE') THEN NULL
    ELSE 'not_granted' END`;

/** SQL expression: nobody may see the state of the session in `a` with the rights we have. */
export const stateHiddenSql = `(a.backend_start IS NULL OR a.query = '<insufficient privilege>')`;

/**
 * SQL expression: the statement that signals the session in `a`, if it is still the same one and has done nothing since: a pid may be given
 * to another session, and the session may be at something else by then.
 */
export function signalStatementSql(signal: 'pg_cancel_backend' | 'pg_terminate_backend'): string {
  const statement = [
    `SELECT pg_catalog.${signal}(a.pid) FROM pg_catalog.pg_stat_activity AS a`,
    'WHERE a.pid = %s AND a.backend_start = %L::pg_catalog.timestamptz AND a.state_change = %L::pg_catalog.timestamptz',
  ].join(' ');
  return `format('${statement}', a.pid, a.backend_start::text, a.state_change::text)`;
}

/** SQL expressions: the GRANTs that would let our role see sessions, and end them. */
export const readStatsGrantSql = `format('GRANT pg_read_all_stats TO %I', current_user)`;
export const signalGrantSql = `format('GRANT pg_signal_backend TO %I', current_user)`;

/** SQL expression: how long ago that was; null stays null. By the real clock: sessions change while a look lasts. */
export function secondsSinceSql(time: string): string {
  return `extract(epoch FROM clock_timestamp() - ${time})::float8`;
}

/** What the evidence says where a session may not be ended. */
export function refusalEvidence(refusal: EndRefusal, signalGrant: string): JsonObject {
  return refusal === 'superuser'
    ? { no_action_because: "only a superuser may end a superuser's session" }
    : { no_action_because: 'our role may not end sessions of other roles', grant: signalGrant };
}

/** `7 seconds`, `12 minutes`, `3 hours`, `5 days`: for summaries. */
export function describeAge(seconds: number): string {
  const [unit, size] = units.find(([, length]) => seconds >= 2 * length) ?? (['second', 1] as const);
  const count = Math.floor(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

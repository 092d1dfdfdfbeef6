import { setTimeout as sleep } from 'node:timers/promises';
import type { Intent, Predecessor, PredecessorEnd } from '@slacktide/application/ports';
import { TargetError } from '@slacktide/application/ports';
import { actKey, lockClass } from './advisory-lock.ts';
import type { PostgresSession } from './postgres-session.ts';
import type { Timings } from './timings.ts';

/** Bound of one look or request. */
const requestDeadlineMs = 5_000;
const pollEveryMs = 100;
/** SQLSTATE insufficient_privilege. */
const insufficientPrivilege = '42501';

/**
 * The session $1 (pid), $2 (start), $3 (application name), holding the lock ($4, $5) in whatever database. A role that may not see when it
 * began finds it all the same: what holds our lock under our own name and pid is rather taken for ours than overlooked.
 */
const theSession = `
FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
WHERE a.pid = $1::int AND a.application_name = $3::text AND (a.backend_start = $2::timestamptz OR a.backend_start IS NULL)
  AND l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $4::int8::oid AND l.objid = $5::int8::oid`;

const findSql = `
SELECT a.state, nullif(concat_ws(': ', a.wait_event_type, a.wait_event), '') AS "waitsFor", a.query AS statement,
  (extract(epoch FROM clock_timestamp() - a.query_start) * 1000)::float8 AS "statementAgeMs"${theSession} LIMIT 1`;

/** Signals only what it can prove to be that session: here its start must be seen. */
const signalSql = (signal: 'pg_cancel_backend' | 'pg_terminate_backend'): string =>
  `SELECT ${signal}(a.pid) AS sent${theSession} AND a.backend_start IS NOT NULL`;

/** Looks for the session of an earlier claim. */
export async function findPredecessor(session: PostgresSession, intent: Intent): Promise<Predecessor> {
  const { epoch } = session.facts.identity;
  const [row] = await ask<Omit<Extract<Predecessor, { kind: 'running' }>, 'kind' | 'epoch'>>(session, findSql, intent);
  return row === undefined ? { kind: 'gone', epoch } : { kind: 'running', epoch, ...row };
}

/** Cancels its statement; terminates it when it is not gone `predecessorPatienceMs` later; gives up after as long again. */
export async function endPredecessor(
  session: PostgresSession,
  intent: Intent,
  { predecessorPatienceMs }: Timings,
): Promise<PredecessorEnd> {
  if (!(await isThere(session, intent))) return 'gone';
  for (const signal of ['pg_cancel_backend', 'pg_terminate_backend'] as const) {
    if ((await send(session, signal, intent)) === 'refused') return 'refused';
    const sentAtMs = performance.now();
    while (performance.now() - sentAtMs < predecessorPatienceMs) {
      if (!(await isThere(session, intent))) return 'ended';
      await sleep(pollEveryMs);
    }
  }
  return (await isThere(session, intent)) ? 'refused' : 'ended';
}

async function isThere(session: PostgresSession, intent: Intent): Promise<boolean> {
  return (await ask(session, `SELECT${theSession}`, intent)).length > 0;
}

async function send(
  session: PostgresSession,
  signal: Parameters<typeof signalSql>[0],
  intent: Intent,
): Promise<'sent' | 'refused'> {
  try {
    const rows = await ask<{ sent: boolean }>(session, signalSql(signal), intent);
    // No row: it is gone, or not to be proven ours; the caller looks which.
    return rows.length > 0 || !(await isThere(session, intent)) ? 'sent' : 'refused';
  } catch (error) {
    if (error instanceof TargetError && error.sqlState === insufficientPrivilege) return 'refused';
    throw error;
  }
}

async function ask<R extends object>(session: PostgresSession, sql: string, intent: Intent): Promise<R[]> {
  const { pid, backendStart, applicationName } = intent;
  const parameters = [pid, backendStart, applicationName, lockClass, actKey];
  const { rows } = await session.run<R>(sql, { parameters, deadlineMs: requestDeadlineMs });
  return rows;
}

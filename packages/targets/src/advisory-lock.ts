import { TargetError } from '@slacktide/application/ports';
import type { PostgresSession } from './postgres-session.ts';

/** First key of every advisory lock of ours ('PGMD'): nobody else's locks are taken for ours. */
export const lockClass = 0x50474d44;
/** Second key: the right to act on this database. */
export const actKey = 1;

interface Holder {
  pid: number;
  applicationName: string | null;
  user: string | null;
}

const holderSql = `
SELECT l.pid, a.application_name AS "applicationName", a.usename::text AS "user"
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $1::int8::oid AND l.objid = $2::int8::oid
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/**
 * Takes the right to act on the session's database, as long as the session lives: the only proof that a predecessor is
 * over. Never waits: a session that waits for an advisory lock holds a snapshot, which the holder may be waiting for.
 * @throws TargetError `locked_elsewhere`, naming the holder where it can be seen.
 */
export async function lockTarget(session: PostgresSession, signal: AbortSignal): Promise<void> {
  const parameters = [lockClass, actKey];
  const { rows } = await session.run<{ taken: boolean }>('SELECT pg_try_advisory_lock($1::int4, $2::int4) AS taken', {
    parameters,
    signal,
  });
  if (rows[0]?.taken === true) return;
  const { rows: holders } = await session.run<Holder>(holderSql, { parameters, signal });
  const [holder] = holders;
  const who =
    holder === undefined
      ? 'a session that has just ended'
      : `${holder.applicationName || 'a session without a name'} (pid ${holder.pid}, user ${holder.user ?? 'unknown'})`;
  throw new TargetError('locked_elsewhere', `Somebody else is at work on this database: ${who}.`);
}

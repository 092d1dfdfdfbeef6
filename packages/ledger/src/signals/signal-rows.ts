import type { NewSignal, Signal } from '@slacktide/application/ports';
import type { LedgerSql } from '../sql.ts';

const columns = (sql: LedgerSql) => sql`module, status, message, at, expires_at`;
const isRecent = (sql: LedgerSql) => sql`expires_at >= now() - interval '1 hour'`;
const isOfTarget = (sql: LedgerSql) => sql`module LIKE 'target:%'`;
/** A look that ended after its target was deleted leaves a row that says nothing of any target. */
const hasTarget = (sql: LedgerSql) =>
  sql`EXISTS (SELECT FROM targets WHERE id = substr(module, length('target:') + 1))`;

/** The signals to be told of, by module. */
export async function listSignals(sql: LedgerSql): Promise<readonly Signal[]> {
  return sql<Signal[]>`
    SELECT ${columns(sql)} FROM health_signals
    WHERE CASE WHEN ${isOfTarget(sql)} THEN ${hasTarget(sql)} ELSE ${isRecent(sql)} END
    ORDER BY module`;
}

/** Removes what nobody will be told of any more. */
export async function sweepSignals(sql: LedgerSql): Promise<void> {
  await sql`DELETE FROM health_signals WHERE NOT ${isRecent(sql)} AND NOT (${isOfTarget(sql)} AND ${hasTarget(sql)})`;
}

export async function selectSignal(sql: LedgerSql, module: string): Promise<Signal | undefined> {
  const [signal] = await sql<Signal[]>`
    SELECT ${columns(sql)} FROM health_signals WHERE module = ${module} AND ${isRecent(sql)}`;
  return signal && { ...signal };
}

/** Writes a module's signal, whatever it said before. */
export async function upsertSignal(sql: LedgerSql, signal: NewSignal): Promise<Signal> {
  const { module, status, message, lifeSeconds } = signal;
  const [row] = await sql<[Signal]>`
    INSERT INTO health_signals (module, status, message, at, expires_at)
    VALUES (${module}, ${status}, ${message}, now(), now() + make_interval(secs => ${lifeSeconds}))
    ON CONFLICT (module) DO UPDATE
      SET status = excluded.status, message = excluded.message, at = excluded.at, expires_at = excluded.expires_at
    RETURNING ${columns(sql)}`;
  return { ...row };
}

/** Writes a module's signal when the present one has the same status, judged and written by one statement. */
export async function repeatSignal(sql: LedgerSql, signal: NewSignal): Promise<Signal | undefined> {
  const { module, status, message, lifeSeconds } = signal;
  const [row] = await sql<Signal[]>`
    UPDATE health_signals
    SET message = ${message}, at = now(), expires_at = now() + make_interval(secs => ${lifeSeconds})
    WHERE module = ${module} AND status = ${status} AND ${isRecent(sql)}
    RETURNING ${columns(sql)}`;
  return row && { ...row };
}

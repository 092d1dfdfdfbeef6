import type { ReadBounds } from '@slacktide/application/ports';
import type { PostgresSession, RunOptions } from './postgres-session.ts';

/** Runs one statement within bounds of its own; afterwards those of the session hold again. */
export async function runWithin<R extends object>(
  session: PostgresSession,
  { statementTimeoutMs, lockTimeoutMs }: ReadBounds,
  sql: string,
  options: RunOptions,
): Promise<R[]> {
  const bounds = Object.entries({ statement_timeout: statementTimeoutMs, lock_timeout: lockTimeoutMs }).filter(
    ([, ms]) => ms !== undefined,
  );
  try {
    for (const [name, ms] of bounds) {
      await session.run('SELECT set_config($1, $2, false)', { parameters: [name, `${ms}ms`], signal: options.signal });
    }
    const { rows } = await session.run<R>(sql, {
      ...options,
      ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
    });
    return rows;
  } finally {
    // A session that is lost needs none; its statement has said so.
    for (const [name] of bounds) await session.run(`RESET ${name}`).catch(() => undefined);
  }
}

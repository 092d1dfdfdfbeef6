import type { TargetReader, TargetSession } from '@slacktide/application/ports';
import type { PostgresSession } from './postgres-session.ts';
import type { Timings } from './timings.ts';

/** What executors see of a session that reads. After an abort it is over, or, for an observer, `reads go on`. */
export function asReader(
  session: PostgresSession,
  signal: AbortSignal | undefined,
  afterAbort: 'refuses' | 'reads go on' = 'refuses',
): TargetReader {
  const { identity, serverVersion } = session.facts;
  return {
    identity,
    serverVersion,
    query: async <R extends object>(sql: string, parameters: readonly unknown[] = []) => {
      const heeded = afterAbort === 'reads go on' && signal?.aborted === true ? undefined : signal;
      const { rows } = await session.run<R>(sql, { parameters, signal: heeded });
      return rows;
    },
  };
}

/** What executors see of the session that acts. */
export function asTargetSession(session: PostgresSession, signal: AbortSignal, timings: Timings): TargetSession {
  return {
    ...asReader(session, signal),
    execute: async (statement) => {
      const { notices, durationMs } = await session.run(statement, { signal });
      return { notices, durationMs };
    },
    cleanUp: async (statement) => {
      const { notices, durationMs } = await session.run(statement, { signal: AbortSignal.timeout(timings.cleanUpMs) });
      return { notices, durationMs };
    },
  };
}

import type { ReadBounds, TargetReader, TargetSession } from '@slacktide/application/ports';
import type { ClientPrograms } from './client-programs.ts';
import type { PostgresSession } from './postgres-session.ts';
import { runWithin } from './run-within.ts';
import type { Timings } from './timings.ts';

/** What executors see of a session that reads. After an abort it is over, or, for an observer, `reads go on`. */
export function asReader(
  session: PostgresSession,
  signal: AbortSignal | undefined,
  programs: ClientPrograms,
  afterAbort: 'refuses' | 'reads go on' = 'refuses',
): TargetReader {
  const { identity, serverVersion } = session.facts;
  const heeded = (): AbortSignal | undefined =>
    afterAbort === 'reads go on' && signal?.aborted === true ? undefined : signal;
  return {
    identity,
    serverVersion,
    query: async <R extends object>(sql: string, parameters: readonly unknown[] = []) => {
      const { rows } = await session.run<R>(sql, { parameters, signal: heeded() });
      return rows;
    },
    queryWithin: <R extends object>(bounds: ReadBounds, sql: string, parameters: readonly unknown[] = []) =>
      runWithin<R>(session, bounds, sql, { parameters, signal: heeded() }),
    programVersion: (program) => programs.version(program),
  };
}

/** What executors see of the session that acts. */
export function asTargetSession(
  session: PostgresSession,
  signal: AbortSignal,
  programs: ClientPrograms,
  timings: Timings,
): TargetSession {
  return {
    ...asReader(session, signal, programs),
    execute: async (statement, options) => {
      const heeded = options?.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
      const { parameters = [] } = options ?? {};
      const { notices, durationMs, rowCount } = await session.run(statement, { parameters, signal: heeded });
      return { notices, durationMs, rowCount };
    },
    cleanUp: async (statement) => {
      const { notices, durationMs } = await session.run(statement, { signal: AbortSignal.timeout(timings.cleanUpMs) });
      return { notices, durationMs };
    },
    runProgram: (program, args) => {
      const { applicationName } = session.facts.identity;
      return programs.run(program, args, { applicationName, signal });
    },
  };
}

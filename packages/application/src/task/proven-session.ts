import type { ClientProgram, TargetSession } from '../ports/index.ts';
import type { LeaseKeeper } from './keep-lease.ts';
import { abortReasonOf, TaskAbort } from './task-abort.ts';

/** A session that sends no statement of ours once the lease is not proven any more: cleaning up is then left to whoever has the right. */
export function provenSession(session: TargetSession, keeper: LeaseKeeper, signal: AbortSignal): TargetSession {
  const { runProgram } = session;
  return {
    ...session,
    ...(runProgram === undefined
      ? {}
      : {
          runProgram: async (program: ClientProgram, args: readonly string[]) => {
            keeper.assertHeld();
            return await runProgram(program, args);
          },
        }),
    query: async (sql, parameters) => {
      keeper.assertHeld();
      return await session.query(sql, parameters);
    },
    execute: async (statement, options) => {
      keeper.assertHeld();
      return await session.execute(statement, options);
    },
    cleanUp: async (statement) => {
      if (abortReasonOf(signal) === 'lease_lost') throw new TaskAbort('lease_lost');
      keeper.assertHeld();
      return await session.cleanUp(statement);
    },
  };
}

import type { TargetSession } from '../ports/index.ts';
import type { LeaseKeeper } from './keep-lease.ts';
import { abortReasonOf, TaskAbort } from './task-abort.ts';

/** A session that sends no statement of ours once the lease is not proven any more: cleaning up is then left to whoever has the right. */
export function provenSession(session: TargetSession, keeper: LeaseKeeper, signal: AbortSignal): TargetSession {
  return {
    ...session,
    query: async (sql, parameters) => {
      keeper.assertHeld();
      return await session.query(sql, parameters);
    },
    execute: async (statement) => {
      keeper.assertHeld();
      return await session.execute(statement);
    },
    cleanUp: async (statement) => {
      if (abortReasonOf(signal) === 'lease_lost') throw new TaskAbort('lease_lost');
      keeper.assertHeld();
      return await session.cleanUp(statement);
    },
  };
}

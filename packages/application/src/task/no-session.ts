import { TargetError, type TargetReader, type TargetSession } from '../ports/index.ts';

/** Where a session's identity is asked for and there is none: no server has such a process, and no system this identifier. */
const nobody = {
  pid: 0,
  backendStart: 'none',
  epoch: { systemIdentifier: 'none', postmasterStart: 'none', timeline: null },
};

const refuse = async (): Promise<never> => {
  throw new TargetError('insufficient_privilege', 'this task works on our own ledger: it has no session on the target');
};

/** Stands in for the session of a task that opens none; whatever is asked of it is refused. */
export function noSession(applicationName: string): TargetSession & TargetReader {
  return {
    serverVersion: 0,
    identity: { ...nobody, applicationName },
    query: refuse,
    execute: refuse,
    cleanUp: refuse,
  };
}

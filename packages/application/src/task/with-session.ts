import {
  type ClaimedTask,
  type Executor,
  TargetError,
  type TargetGateway,
  type TargetReader,
  type TargetSession,
} from '../ports/index.ts';
import type { LeaseTimes } from './lease-times.ts';
import { noSession } from './no-session.ts';

/** The abort, of the time limit or of the window's end, comes first and says what it was; this is for the worker that is not there to say it. */
const afterAbortMs = 1_000;
const leastStatementTimeoutMs = 1_000;

/** What bounds every statement of a task, besides the longest there may be. */
export interface StatementBounds {
  /** Until the window closes; null = never. */
  readonly closesInMs: number | null;
  /** Until the task has had its time. */
  readonly timeLeftMs: number;
}

/** `act` work has the advisory lock; `observe` work has one read-only session that serves as both, or none where it is sessionless. */
export async function withSession<T>(
  deps: {
    readonly gateway: TargetGateway;
    readonly times: LeaseTimes;
    readonly executor: Pick<Executor, 'taskType'>;
  },
  claimed: ClaimedTask,
  signal: AbortSignal,
  bounds: StatementBounds,
  use: (session: TargetSession, observer: TargetReader) => Promise<T>,
): Promise<T> {
  const applicationName = applicationNameOf(claimed);
  if (deps.executor.taskType.sessionless === true) {
    if (claimed.access !== 'observe') throw new Error('expected a sessionless task to observe');
    const none = noSession(applicationName);
    return await use(none, none);
  }
  if (claimed.access === 'observe') {
    return await deps.gateway.read(claimed.target, { applicationName, signal }, (reader) =>
      use(
        {
          serverVersion: reader.serverVersion,
          identity: reader.identity,
          query: (sql, parameters) => reader.query(sql, parameters),
          execute: () => Promise.reject(new TargetError('insufficient_privilege', 'observe work may only read')),
          cleanUp: () => Promise.reject(new TargetError('insufficient_privilege', 'observe work may only read')),
        },
        reader,
      ),
    );
  }
  const statementTimeoutMs = Math.max(
    leastStatementTimeoutMs,
    Math.min(
      deps.times.maxStatementMs,
      (bounds.closesInMs ?? Number.POSITIVE_INFINITY) + afterAbortMs,
      bounds.timeLeftMs + afterAbortMs,
    ),
  );
  return await deps.gateway.act(claimed.target, { applicationName, statementTimeoutMs, signal }, use);
}

/** How sessions of the task are called on the target. */
export function applicationNameOf({ task, fence }: ClaimedTask): string {
  return `slacktide/${task.type.toLowerCase()}/${fence}`;
}

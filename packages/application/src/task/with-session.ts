import { type ClaimedTask, TargetError, type TargetGateway, type TaskOutcome } from '../ports/index.ts';
import type { LeaseTimes } from './lease-times.ts';

/** `act` work has the advisory lock; `observe` work has one read-only session that serves as both. */
export async function withSession(
  deps: { readonly gateway: TargetGateway; readonly times: LeaseTimes },
  claimed: ClaimedTask,
  signal: AbortSignal,
  closesInMs: number | null,
  use: Parameters<TargetGateway['act']>[2] extends (...sessions: infer S) => unknown
    ? (...sessions: S) => Promise<TaskOutcome>
    : never,
): Promise<TaskOutcome> {
  const applicationName = `slacktide/${claimed.task.type.toLowerCase()}/${claimed.fence}`;
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
    1_000,
    Math.min(deps.times.maxStatementMs, closesInMs ?? Number.POSITIVE_INFINITY),
  );
  return await deps.gateway.act(claimed.target, { applicationName, statementTimeoutMs, signal }, use);
}

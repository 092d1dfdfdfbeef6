import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { describeSession } from './describe-session.ts';
import type { SessionCleanupFacts } from './facts.ts';
import type { PreparedTransaction } from './prepared.ts';
import type { SessionCleanupConfig } from './schema.ts';
import { isAtWork, type StaleSession, sessionKey, sortFound } from './stale-sessions.ts';

/**
 * Facts → one step a session, at most `max_sessions`: those that make the most others wait first, then the oldest; then the prepared transactions named.
 * A session at work is cancelled first and ended only when it does not heed that; for an idle one, which hears no cancel, ending is all there is.
 */
export function planSessionCleanup(facts: SessionCleanupFacts, config: SessionCleanupConfig): Plan {
  const { stale, skipped, unknown } = sortFound(facts, config);
  const ordered = stale.toSorted(byHarm);
  const chosen = ordered.slice(0, config.max_sessions);
  const reports = [facts.locks, facts.operations].flatMap((report) => report ?? []);
  const prepared = config.rollback_prepared.map(
    (gid) => facts.prepared.find((one) => one.gid === gid) ?? { gid, isHere: false as const },
  );
  return {
    steps: [
      ...chosen.map((one) => endStep(one, config)),
      ...prepared.flatMap((one) => (one.isHere ? [rollbackStep(one)] : [])),
    ],
    checked: reports.reduce((sum, { checked }) => sum + checked, prepared.length),
    skipped: [
      ...reports.flatMap((report) => report.skipped.map(({ object, reason }) => ({ object, reason }))),
      ...skipped,
      ...ordered
        .slice(chosen.length)
        .map(({ session }) => ({ object: sessionKey(session), reason: 'over_max_sessions' })),
      ...prepared.flatMap(({ gid, isHere }) =>
        isHere ? [] : [{ object: preparedKey(gid), reason: 'none_of_this_name_in_this_database' }],
      ),
    ],
    unknown: [...reports.flatMap((report) => report.unknown), ...unknown],
  };
}

export function preparedKey(gid: string): string {
  return `prepared transaction ${gid}`;
}

function byHarm(a: StaleSession, b: StaleSession): number {
  const age = ({ session }: StaleSession): number =>
    Math.max(session.stateSeconds ?? 0, session.statementSeconds ?? 0, session.transactionSeconds ?? 0);
  return b.session.waiting.length - a.session.waiting.length || age(b) - age(a) || a.session.pid - b.session.pid;
}

function endStep({ session, reasons, lockKeys }: StaleSession, config: SessionCleanupConfig): PlannedStep {
  const cancelFirst = isAtWork(session.state);
  return {
    key: sessionKey(session),
    object: { kind: 'cluster', oid: null, schema: null, name: `pid ${session.pid}` },
    statements: cancelFirst ? [session.cancelSql, session.terminateSql] : [session.terminateSql],
    lockMode: null,
    sizeBytes: null,
    expectedSeconds: cancelFirst ? config.cancel_wait_seconds : 1,
    reversible: false,
    data: {
      work: 'end_session',
      pid: session.pid,
      backend_start: session.backendStart,
      state_change: session.stateChange,
      cancel_first: cancelFirst,
      reasons,
      ...(lockKeys.length === 0 ? {} : { advisory_locks: lockKeys.slice(0, 20), advisory_lock_count: lockKeys.length }),
      ...describeSession(session),
    },
  };
}

function rollbackStep({ gid, owner, preparedAt, seconds, permitted, rollbackSql }: PreparedTransaction): PlannedStep {
  return {
    key: preparedKey(gid),
    object: { kind: 'database', oid: null, schema: null, name: gid },
    statements: [rollbackSql],
    lockMode: null,
    sizeBytes: null,
    expectedSeconds: 1,
    reversible: false,
    data: {
      work: 'rollback_prepared',
      gid,
      owner,
      prepared_at: preparedAt,
      prepared_seconds: Math.floor(seconds),
      permitted,
    },
  };
}

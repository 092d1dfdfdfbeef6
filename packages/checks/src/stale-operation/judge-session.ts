import type { FindingAction, FoundFinding, JsonObject } from '@slacktide/domain';
import { redactStatement } from '@slacktide/domain';
import { matchesAny } from '../catalogue/name-pattern.ts';
import { describeAge, refusalEvidence } from '../catalogue/sessions.ts';
import type { OperationFacts, OperationSession } from './read.ts';
import type { StaleOperationConfig } from './schema.ts';
import { type Staleness, stalenessOf } from './staleness.ts';

/** What dumps and backups call themselves. Base backups of the server's own kind are walsenders, no clients. */
const dumps = ['pg_dump', 'pg_dumpall', 'pg_basebackup', 'pgBackRest%', 'barman%', 'wal-g%', 'pg_probackup%'];

export type SessionVerdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly grant: string | null }
  | { readonly kind: 'stale'; readonly finding: FoundFinding };

export interface SessionContext extends Pick<OperationFacts, 'readStatsGrant' | 'signalGrant'> {
  /** How many transactions ago the rows died that it keeps; null = it keeps none. */
  readonly xminAge: number | null;
  readonly config: StaleOperationConfig;
}

export function sessionName(pid: number): string {
  return `pid ${pid}`;
}

export function judgeSession(session: OperationSession, context: SessionContext): SessionVerdict {
  const { config, readStatsGrant } = context;
  const { applicationName, user, hidden, backendType, state } = session;
  const skipped = (reason: string): SessionVerdict => ({ kind: 'skipped', reason });
  // Whoever logs in has a role, so that a session without one is the server's own, however little we see of it.
  if (user === null || (!hidden && backendType !== 'client backend')) return skipped('not_a_client');
  if (matchesAny(applicationName, config.ignore_applications)) return skipped('ignored_application');
  if (matchesAny(user, config.ignore_roles)) return skipped('ignored_role');
  if (!config.include_dumps && matchesAny(applicationName, dumps)) return skipped('dump');
  if (hidden) return { kind: 'unknown', reason: 'state_hidden', grant: readStatsGrant };
  if (state === null || state === 'disabled') return { kind: 'unknown', reason: 'track_activities_off', grant: null };
  const staleness = stalenessOf(session, context.xminAge, config);
  return staleness === null ? { kind: 'fine' } : { kind: 'stale', finding: toFinding(session, staleness, context) };
}

function toFinding(session: OperationSession, staleness: Staleness, context: SessionContext): FoundFinding {
  const { pid, user, applicationName, blocks } = session;
  const { action, why } = actionFor(session, staleness, context);
  const who = `Session ${pid} (user ${user}, application "${applicationName}")`;
  return {
    fingerprint: `${sessionName(pid)}, since ${session.backendStart}`,
    severity: blocks > 0 ? 'critical' : session.maintenance === null ? 'warning' : 'info',
    object: { kind: 'session', schema: null, name: sessionName(pid), table: null },
    summary: `${who} ${describe(session, staleness, context.xminAge)}${describeWaiters(blocks)}`,
    evidence: {
      kind: staleness,
      pid,
      backend_start: session.backendStart,
      user,
      application: applicationName,
      client_address: session.clientAddress,
      state: session.state,
      waits_for: session.waitEventType === null ? null : `${session.waitEventType}: ${session.waitEvent}`,
      state_seconds: whole(session.stateSeconds),
      statement_seconds: whole(session.statementSeconds),
      transaction_seconds: whole(session.transactionSeconds),
      xmin_age_transactions: context.xminAge,
      blocks,
      blocked_by: [...session.blockedBy],
      maintenance_command: session.maintenance,
      statement: redactStatement(session.query ?? ''),
      ...why,
    },
    action,
  };
}

function describe(session: OperationSession, staleness: Staleness, xminAge: number | null): string {
  const stateAge = describeAge(session.stateSeconds ?? 0);
  const statementAge = describeAge(session.statementSeconds ?? 0);
  switch (staleness) {
    case 'idle_in_transaction':
      return `has been ${session.state} for ${stateAge}`;
    case 'client_slow':
      return `has been at one statement for ${statementAge} and waits for its client`;
    case 'active_statement':
      return `has been at one statement for ${statementAge}`;
    case 'xmin_holder':
      return `keeps rows that died up to ${xminAge} transactions ago`;
  }
}

/** Cancels before it terminates: a session is ended only where cancelling its statement has no effect. */
function actionFor(
  session: OperationSession,
  staleness: Staleness,
  { signalGrant }: SessionContext,
): { action: FindingAction | null; why: JsonObject } {
  const nothing = (why: JsonObject) => ({ action: null, why });
  const { refusal, maintenance, blockedBy, blocks } = session;
  if (refusal !== null) return nothing(refusalEvidence(refusal, signalGrant));
  if (maintenance !== null) {
    return nothing({
      no_action_because: `${maintenance} takes its time; cut short, it leaves its work undone, or an invalid index`,
    });
  }
  if (blockedBy.length > 0 && blocks === 0) {
    return nothing({ no_action_because: 'it only waits for the sessions in blocked_by' });
  }
  // A backend without a statement does not hear a cancel, and one that waits for its client may not.
  const ends = staleness === 'client_slow' || session.state !== 'active';
  const sql = [ends ? session.terminateSql : session.cancelSql];
  return { action: { sql, rollbackSql: [], lockMode: null, class: 'never_retry' }, why: {} };
}

export function describeWaiters(blocks: number): string {
  if (blocks === 0) return '';
  return blocks === 1 ? '; 1 session waits for it' : `; ${blocks} sessions wait for it`;
}

function whole(seconds: number | null): number | null {
  return seconds === null ? null : Math.floor(seconds);
}

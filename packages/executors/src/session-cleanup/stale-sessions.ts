import type { FoundFinding, JsonObject, SkippedObject, UnknownObject } from '@slacktide/domain';
import type { SessionCleanupFacts } from './facts.ts';
import type { SessionCleanupConfig } from './schema.ts';
import type { SessionState } from './session-state.ts';

/** Why a session is to be ended. */
export type EndReason = 'stale_lock' | 'idle_in_transaction' | 'long_statement';

/** A session that may be ended, with all reasons why. */
export interface StaleSession {
  readonly session: SessionState;
  readonly reasons: readonly EndReason[];
  /** Keys of the advisory locks it holds. */
  readonly lockKeys: readonly string[];
}

export interface Sorted {
  readonly stale: readonly StaleSession[];
  readonly skipped: readonly SkippedObject[];
  readonly unknown: readonly UnknownObject[];
}

/** Tells those that may be ended from those that are protected, have moved on since, or must not be ended by us. */
export function sortFound(facts: SessionCleanupFacts, config: SessionCleanupConfig): Sorted {
  const stale = new Map<string, { session: SessionState; reasons: Set<EndReason>; lockKeys: Set<string> }>();
  const skipped: SkippedObject[] = [];
  const unknown: UnknownObject[] = [];
  for (const finding of [...(facts.locks?.findings ?? []), ...(facts.operations?.findings ?? [])]) {
    const object = finding.object.name;
    const { evidence } = finding;
    const reason = reasonOf(finding);
    if (reason === null) {
      // Prepared transactions are ended by name alone.
      if (typeof evidence['gid'] !== 'string') skipped.push({ object, reason: 'not_a_session' });
      else if (!config.rollback_prepared.includes(evidence['gid'])) skipped.push({ object, reason: 'not_named' });
      continue;
    }
    const session = facts.sessions.find(
      ({ pid, backendStart }) => pid === evidence['pid'] && backendStart === evidence['backend_start'],
    );
    const verdict = judge(session, reason, finding, config);
    if (verdict.kind === 'skipped') skipped.push({ object, reason: verdict.reason });
    if (verdict.kind === 'unknown') unknown.push({ object, reason: 'insufficient_privilege', grant: verdict.grant });
    if (verdict.kind !== 'stale') continue;
    const name = sessionKey(verdict.session);
    const known = stale.get(name) ?? { session: verdict.session, reasons: new Set(), lockKeys: new Set() };
    known.reasons.add(reason);
    for (const key of textsOf(evidence['keys'])) known.lockKeys.add(key);
    stale.set(name, known);
  }
  return {
    stale: [...stale.values()].map(({ session, reasons, lockKeys }) => ({
      session,
      reasons: [...reasons],
      lockKeys: [...lockKeys],
    })),
    skipped: uniqueBy(skipped),
    unknown: uniqueBy(unknown),
  };
}

/** One session for ever: pids are given again. */
export function sessionKey({ pid, backendStart }: Pick<SessionState, 'pid' | 'backendStart'>): string {
  return `pid ${pid}, since ${backendStart}`;
}

type Verdict =
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly grant: string }
  | { readonly kind: 'stale'; readonly session: SessionState };

function judge(
  session: SessionState | undefined,
  reason: EndReason,
  { evidence }: FoundFinding,
  config: SessionCleanupConfig,
): Verdict {
  const skip = (why: string): Verdict => ({ kind: 'skipped', reason: why });
  if (!isWanted(reason, config)) return skip('not_opted_in');
  if (session === undefined) return skip('gone');
  const protection = protectionOf(session);
  if (protection !== null) return skip(protection);
  if (!isStale(session, reason, config)) return skip('moved_on');
  if (!session.permitted) return { kind: 'unknown', grant: session.grant };
  // What the check proposes nothing for: a VACUUM or an index build, or who is but a victim of others.
  const why = evidence['no_action_because'];
  if (typeof why === 'string') return skip(why);
  return { kind: 'stale', session };
}

/** Whoever is never ended, whatever the configuration says; null = nobody of these. */
export function protectionOf(session: SessionState): string | null {
  if (session.backendType !== 'client backend') return 'not_a_client';
  if (session.isSuperuser) return 'superuser';
  if (session.applicationName?.startsWith('slacktide/') === true) return 'ourselves';
  return null;
}

/** By the later look, which is what the statements are bound to. */
function isStale(session: SessionState, reason: EndReason, config: SessionCleanupConfig): boolean {
  const { state, stateSeconds, statementSeconds } = session;
  switch (reason) {
    case 'stale_lock':
      return state?.startsWith('idle') === true && (stateSeconds ?? 0) > config.stale_lock_seconds;
    case 'idle_in_transaction':
      return isIdleInTransaction(state) && (stateSeconds ?? 0) > config.idle_in_transaction_seconds;
    case 'long_statement':
      return isAtWork(state) && (statementSeconds ?? 0) > config.long_statement_seconds;
  }
}

export function isAtWork(state: string | null): boolean {
  return state === 'active' || state === 'fastpath function call';
}

function isIdleInTransaction(state: string | null): boolean {
  return state?.startsWith('idle in transaction') === true;
}

function isWanted(reason: EndReason, config: SessionCleanupConfig): boolean {
  switch (reason) {
    case 'stale_lock':
      return config.stale_locks;
    case 'idle_in_transaction':
      return config.idle_in_transaction;
    case 'long_statement':
      return config.long_statements;
  }
}

/** Null = what was found is no session, or is not stale by its age. */
function reasonOf({ object, evidence }: FoundFinding): EndReason | null {
  if (object.kind !== 'session') return null;
  switch (evidence['kind']) {
    case undefined:
      return 'stale_lock';
    case 'idle_in_transaction':
      return 'idle_in_transaction';
    case 'active_statement':
    case 'client_slow':
      return 'long_statement';
    default:
      return null;
  }
}

function textsOf(value: JsonObject[string] | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];
}

function uniqueBy<T extends SkippedObject>(entries: readonly T[]): T[] {
  return [...new Map(entries.map((entry) => [`${entry.object}\n${entry.reason}`, entry])).values()];
}

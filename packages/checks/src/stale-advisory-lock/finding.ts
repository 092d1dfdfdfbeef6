import type { FoundFinding, JsonObject } from '@slacktide/domain';
import { redactStatement } from '@slacktide/domain';
import { describeAge, refusalEvidence } from '../catalogue/sessions.ts';
import type { HoldingPrepared, HoldingSession } from './read.ts';

interface HeldKeys {
  readonly fingerprint: string;
  /** The object's name. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly modes: readonly string[];
  readonly waiters: number;
  readonly longestWaitSeconds: number | null;
}

/** What is judged as one: a key of a holder, or all keys of one that holds very many. */
export type Held = HeldKeys &
  ({ readonly session: HoldingSession } | { readonly session: null; readonly prepared: HoldingPrepared });

/** Keys that the evidence lists. */
const mostListed = 20;

export function abandonedSession(
  held: HeldKeys,
  session: HoldingSession,
  firstSeenAt: string,
  signalGrant: string,
): FoundFinding {
  const { pid, refusal, endSql } = session;
  const inTransaction = session.transactionSeconds !== null;
  const idleSeconds = Math.floor(session.stateSeconds ?? 0);
  const who = `Session ${pid} (user ${session.user}, application "${session.applicationName}")`;
  return {
    ...common(held, 'session'),
    summary: `${who} holds ${describeKeys(held)} and has been ${session.state} for ${describeAge(idleSeconds)}${describeWaiters(held)}`,
    evidence: {
      ...commonEvidence(held, firstSeenAt),
      pid,
      backend_start: session.backendStart,
      user: session.user,
      application: session.applicationName,
      client_address: session.clientAddress,
      state: session.state,
      idle_seconds: idleSeconds,
      transaction_seconds: inTransaction ? Math.floor(session.transactionSeconds) : null,
      // The server does not tell which of the two it is; outside a transaction there is but one.
      lock_scope: inTransaction ? 'session or transaction' : 'session',
      last_statement: redactStatement(session.query ?? ''),
      ...(refusal === null ? {} : refusalEvidence(refusal, signalGrant)),
    },
    action:
      refusal !== null || endSql === null
        ? null
        : { sql: [endSql], rollbackSql: [], lockMode: null, class: 'never_retry' },
  };
}

export function abandonedPrepared(held: HeldKeys, prepared: HoldingPrepared, firstSeenAt: string): FoundFinding {
  const age = describeAge(Math.floor(prepared.seconds));
  return {
    ...common(held, 'prepared_transaction'),
    summary: `Transaction "${prepared.gid}" of ${prepared.owner}, prepared ${age} ago, holds ${describeKeys(held)}${describeWaiters(held)}`,
    evidence: {
      ...commonEvidence(held, firstSeenAt),
      gid: prepared.gid,
      owner: prepared.owner,
      prepared_at: prepared.preparedAt,
      prepared_seconds: Math.floor(prepared.seconds),
      lock_scope: 'transaction',
      statement: prepared.statement,
      no_action_because:
        'only its transaction manager, or a person, can know whether it is to be committed or rolled back',
    },
    action: null,
  };
}

function common(held: HeldKeys, kind: string): Pick<FoundFinding, 'fingerprint' | 'severity' | 'object'> {
  return {
    fingerprint: held.fingerprint,
    severity: held.waiters > 0 ? 'critical' : 'warning',
    object: { kind, schema: null, name: held.name, table: null },
  };
}

function commonEvidence({ keys, modes, waiters, longestWaitSeconds }: HeldKeys, firstSeenAt: string): JsonObject {
  return {
    keys: keys.slice(0, mostListed),
    key_count: keys.length,
    modes,
    waiters,
    longest_wait_seconds: longestWaitSeconds === null ? null : Math.floor(longestWaitSeconds),
    first_seen_at: firstSeenAt,
  };
}

function describeKeys({ keys }: HeldKeys): string {
  return keys.length === 1 ? `advisory lock ${keys[0]}` : `${keys.length} advisory locks`;
}

function describeWaiters({ waiters }: HeldKeys): string {
  if (waiters === 0) return '';
  return waiters === 1 ? '; 1 session waits for it' : `; ${waiters} sessions wait for it`;
}

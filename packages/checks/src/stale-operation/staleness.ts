import type { OperationSession } from './read.ts';
import type { StaleOperationConfig } from './schema.ts';

/** In what way a session is stale; the first that applies. */
export type Staleness =
  /** Nothing happens in its transaction. */
  | 'idle_in_transaction'
  /** Its statement waits for the client to take rows, or to send them. */
  | 'client_slow'
  /** Its statement has been running for long. */
  | 'active_statement'
  /** None of these, but VACUUM waits for it. */
  | 'xmin_holder';

/** Null = it is not. */
export function stalenessOf(
  session: OperationSession,
  xminAge: number | null,
  config: StaleOperationConfig,
): Staleness | null {
  const { state, stateSeconds, statementSeconds } = session;
  if (state?.startsWith('idle in transaction') && (stateSeconds ?? 0) > config.idle_in_transaction_seconds) {
    return 'idle_in_transaction';
  }
  if (isAtWork(state) && (statementSeconds ?? 0) > config.stale_after_seconds) {
    return waitsForClient(session) ? 'client_slow' : 'active_statement';
  }
  return xminAge !== null && xminAge > config.xmin_age_transactions ? 'xmin_holder' : null;
}

function isAtWork(state: string | null): boolean {
  return state === 'active' || state === 'fastpath function call';
}

function waitsForClient({ waitEventType, waitEvent }: OperationSession): boolean {
  return waitEventType === 'Client' && (waitEvent === 'ClientRead' || waitEvent === 'ClientWrite');
}

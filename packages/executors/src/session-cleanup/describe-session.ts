import type { JsonObject } from '@slacktide/domain';
import type { SessionState, Waiting } from './session-state.ts';

/** What is told of a session in plan, result and audit log: never a literal of its statement. */
export function describeSession(session: SessionState): JsonObject {
  return {
    user: session.user,
    application: session.applicationName,
    client_address: session.clientAddress,
    state: session.state,
    state_seconds: whole(session.stateSeconds),
    statement_seconds: whole(session.statementSeconds),
    transaction_seconds: whole(session.transactionSeconds),
    statement: session.statement,
    blocked: session.waiting.map(describeWaiting),
  };
}

function describeWaiting({ pid, user, applicationName, waitedSeconds }: Waiting): JsonObject {
  return { pid, user, application: applicationName, waited_seconds: whole(waitedSeconds) };
}

function whole(seconds: number | null): number | null {
  return seconds === null ? null : Math.floor(seconds);
}

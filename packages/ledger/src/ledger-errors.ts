import { AppError } from '@slacktide/application';
import postgres from 'postgres';

/** What postgres.js and the system call a connection that is not there or went away. */
const connectionCodes = new Set([
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/** SQLSTATEs of a server that cannot serve now: connection exceptions, shutdown, start-up, too many connections, a standby. */
const unavailableStates = /^(08...|57P0[1-5]|53300|25006)$/;

/** The fault in the caller's terms where there is one, else the error itself. */
export function toAppError(error: unknown): unknown {
  const code = errorCode(error);
  if (connectionCodes.has(code) || (isPostgresError(error) && unavailableStates.test(code))) {
    return new AppError('ledger_unavailable', 'the ledger is not available', { cause: error });
  }
  return error;
}

/** The same store, its connection errors as AppError `ledger_unavailable`. */
export function withLedgerErrors<Store extends object>(store: Store): Store {
  const calls = Object.entries(store).map(([name, call]) => [
    name,
    async (...parameters: unknown[]) => {
      try {
        return await call(...parameters);
      } catch (error) {
        throw toAppError(error);
      }
    },
  ]);
  return Object.fromEntries(calls);
}

/** Refused by a constraint: its name; else undefined. */
export function violatedConstraint(error: unknown): string | undefined {
  return isPostgresError(error) && error.code.startsWith('23') ? error.constraint_name : undefined;
}

/** Gave up waiting for a lock. */
export function isLockTimeout(error: unknown): boolean {
  return isPostgresError(error) && error.code === '55P03';
}

function isPostgresError(error: unknown): error is postgres.PostgresError {
  return error instanceof postgres.PostgresError;
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

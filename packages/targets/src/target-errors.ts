import { TargetError, type TargetErrorCode } from '@slacktide/application/ports';
import pg from 'pg';
import type { Endpoint } from './connection-url.ts';

/** Longest server message that is passed on: names in it come from the target. */
const longestMessage = 500;

/** What a failed attempt to open a session means. */
export function connectError(error: unknown, { host, port, user, database }: Endpoint): TargetError {
  if (error instanceof TargetError) return error;
  const where = `${host}:${port}`;
  if (!(error instanceof pg.DatabaseError)) {
    const why = networkReason(error);
    return new TargetError('unreachable', `No session with ${where}: ${why}.`, { cause: error });
  }
  const sqlState = error.code ?? null;
  const fail = (code: TargetErrorCode, message: string): TargetError =>
    new TargetError(code, message, { sqlState, cause: error });
  if (sqlState?.startsWith('28')) {
    return fail('authentication_failed', `${where} does not let user "${user}" in: ${primary(error)}`);
  }
  if (/unsupported startup parameter/.test(error.message)) {
    return fail(
      'pooled',
      `${where} is a connection pooler (it refuses session settings); give the server's own address.`,
    );
  }
  if (sqlState === '42704' && /configuration parameter/.test(error.message)) {
    return fail('unsupported_version', `${where} lacks settings of PostgreSQL 14: ${primary(error)}`);
  }
  if (sqlState === '42501') return fail('insufficient_privilege', `${where} refuses user "${user}": ${primary(error)}`);
  return fail('unreachable', `${where} takes no session on database "${database}": ${primary(error)}`);
}

/** What is known of a statement that failed. */
export interface FailedStatement {
  /** Our own cancel was on its way. */
  readonly aborted: boolean;
  readonly durationMs: number;
  readonly statementTimeoutMs: number;
}

/** What a failed statement means. 57014 never means "try again": its session may be about to end. */
export function statementError(error: unknown, failed: FailedStatement): TargetError {
  if (error instanceof TargetError) return error;
  if (!(error instanceof pg.DatabaseError)) return sessionLost(networkReason(error), error);
  const sqlState = error.code ?? null;
  const fail = (code: TargetErrorCode, message: string): TargetError =>
    new TargetError(code, message, { sqlState, cause: error });
  if (endsSession(error)) return sessionLost(primary(error), error);
  switch (sqlState) {
    case '57014': {
      if (failed.aborted) return fail('cancelled', 'The statement was cancelled.');
      // By time too: the message may be in another language.
      return failed.durationMs >= failed.statementTimeoutMs || /statement timeout/.test(error.message)
        ? fail('statement_timeout', `The statement was stopped by its time limit after ${failed.durationMs} ms.`)
        : fail('statement_failed', 'Another session on the target cancelled the statement.');
    }
    case '55P03':
      return fail('lock_timeout', primary(error));
    case '42501':
      return fail('insufficient_privilege', primary(error));
    default:
      return fail('statement_failed', `${primary(error)} (SQLSTATE ${sqlState})`);
  }
}

/** The session is over; what its last statement did is not known. */
export function sessionLost(why: string, cause?: unknown): TargetError {
  const sqlState = cause instanceof pg.DatabaseError ? (cause.code ?? null) : null;
  return new TargetError('session_lost', `The session with the target is lost: ${why}`, { sqlState, cause });
}

/** Shutdown, crash, and the idle timeouts: the server says why, and goes. */
function endsSession({ code, severity }: pg.DatabaseError): boolean {
  return severity === 'FATAL' || severity === 'PANIC' || /^(57P0[1-5]|25P0[34])$/.test(code ?? '');
}

/** Only the primary message: detail, hint and context can hold rows. */
function primary(error: pg.DatabaseError): string {
  return error.message.replaceAll(/\s+/g, ' ').slice(0, longestMessage);
}

function networkReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection was refused';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the host name is not known';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection was cut';
    case undefined:
      break;
    default:
      return `${code}`;
  }
  if (/timeout expired/.test(message)) return 'it did not answer in time';
  return /does not support SSL/.test(message) ? 'it does not speak TLS' : 'the connection ended';
}

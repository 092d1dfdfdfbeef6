import { TargetError } from '@slacktide/application/ports';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { connectError, sessionLost, statementError } from './target-errors.ts';

const endpoint = { host: 'db', port: 5432, user: 'maint', database: 'shop', tls: false as const };
const running = { aborted: false, durationMs: 10, statementTimeoutMs: 1000 };

function serverError(code: string, message: string, severity = 'ERROR'): pg.DatabaseError {
  const error = new pg.DatabaseError(message, message.length, 'error');
  error.code = code;
  error.severity = severity;
  error.detail = 'Key (email)=(bob@example.com) is duplicated.';
  return error;
}

describe('statementError', () => {
  it.each([
    ['57014', { aborted: true }, 'cancelled'],
    ['57014', { durationMs: 1000 }, 'statement_timeout'],
    ['57014', {}, 'statement_failed'],
    ['55P03', {}, 'lock_timeout'],
    ['42501', {}, 'insufficient_privilege'],
    ['23505', {}, 'statement_failed'],
    ['57P01', {}, 'session_lost'],
    ['57P02', {}, 'session_lost'],
    ['57P05', {}, 'session_lost'],
    ['25P03', {}, 'session_lost'],
    ['25P04', {}, 'session_lost'],
  ])('%s %j is %s', (code, extra, expected) => {
    const error = statementError(serverError(code, 'text of the server'), { ...running, ...extra });
    expect(error).toMatchObject({ code: expected, sqlState: code });
    expect(error.message).not.toContain('bob@example.com');
  });

  it('takes a FATAL and a cut connection for the end of the session', () => {
    expect(statementError(serverError('XX000', 'out of file descriptors', 'FATAL'), running).code).toBe('session_lost');
    expect(statementError(new Error('Connection terminated unexpectedly'), running)).toMatchObject({
      code: 'session_lost',
      sqlState: null,
    });
  });

  it('passes a TargetError on', () => {
    const lost = sessionLost('it does not answer');
    expect(statementError(lost, running)).toBe(lost);
  });

  it('says what the server said, on one short line', () => {
    const { message } = statementError(serverError('42P01', `relation\n"${'x'.repeat(600)}" is gone`), running);
    expect(message).toContain('(SQLSTATE 42P01)');
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(600);
  });
});

describe('connectError', () => {
  it.each([
    [serverError('28P01', 'password authentication failed for user "maint"', 'FATAL'), 'authentication_failed'],
    [serverError('28000', 'no pg_hba.conf entry for host', 'FATAL'), 'authentication_failed'],
    [serverError('08P01', 'unsupported startup parameter: options', 'FATAL'), 'pooled'],
    [serverError('08P01', 'unsupported startup parameter in options: search_path', 'FATAL'), 'pooled'],
    [
      serverError('42704', 'unrecognized configuration parameter "client_connection_check_interval"', 'FATAL'),
      'unsupported_version',
    ],
    [serverError('53300', 'sorry, too many clients already', 'FATAL'), 'unreachable'],
    [serverError('3D000', 'database "shop" does not exist', 'FATAL'), 'unreachable'],
    [Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }), 'unreachable'],
    [Object.assign(new Error('getaddrinfo ENOTFOUND db'), { code: 'ENOTFOUND' }), 'unreachable'],
    [new Error('timeout expired'), 'unreachable'],
    [new Error('The server does not support SSL connections'), 'unreachable'],
    [new TargetError('pooled', 'x'), 'pooled'],
  ])('%s is %s', (error, code) => {
    expect(connectError(error, endpoint).code).toBe(code);
  });
});

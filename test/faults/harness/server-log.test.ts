import { describe, expect, it } from 'vitest';
import { isActing, readServerLog } from './server-log.ts';

const line = (fields: Record<string, unknown>): string =>
  JSON.stringify({
    user: 'fleet',
    dbname: 'shop',
    application_name: 'slacktide/witness/7',
    backend_type: 'client backend',
    error_severity: 'LOG',
    ...fields,
  });
const at = (seconds: string): string => `2026-11-22 12:00:${seconds} UTC`;
const ms = (seconds: string): number => Date.parse(`2026-11-22T12:00:${seconds}Z`);

describe('readServerLog', () => {
  it('pairs begin and end in each session, however they are interleaved', () => {
    const text = [
      line({ timestamp: at('01.000'), session_id: 'a', message: 'duration: 0.1 ms' }), // of the parse before it
      line({ timestamp: at('01.000'), session_id: 'a', message: 'execute <unnamed>: INSERT INTO x\nVALUES (1)' }),
      line({ timestamp: at('01.100'), session_id: 'b', message: 'statement: SELECT 1' }),
      line({ timestamp: at('01.200'), session_id: 'b', message: 'duration: 100.0 ms' }),
      line({ timestamp: at('02.000'), session_id: 'a', message: 'duration: 1000.0 ms' }),
    ].join('\n');
    expect(readServerLog(text)).toMatchObject([
      {
        session: 'a',
        statement: 'INSERT INTO x\nVALUES (1)',
        beganAtMs: ms('01.000'),
        endedAtMs: ms('02.000'),
        end: 'done',
      },
      { session: 'b', statement: 'SELECT 1', beganAtMs: ms('01.100'), endedAtMs: ms('01.200'), end: 'done' },
    ]);
  });

  it.each([
    [
      { error_severity: 'ERROR', message: 'canceling statement due to user request' },
      'canceling statement due to user request',
    ],
    [{ error_severity: 'FATAL', message: 'connection to client lost' }, 'connection to client lost'],
    [{ message: 'disconnection: session time: 0:00:01' }, 'session ended'],
  ])('ends a statement with %o', (fields, end) => {
    const text = [
      line({ timestamp: at('01.000'), session_id: 'a', message: 'statement: VACUUM' }),
      line({ timestamp: at('03.000'), session_id: 'a', ...fields }),
    ].join('\n');
    expect(readServerLog(text)).toMatchObject([{ endedAtMs: ms('03.000'), end }]);
  });

  it('ends what a crash cut off at the next start, and leaves open what is running', () => {
    const text = [
      line({ timestamp: at('01.000'), session_id: 'a', message: 'statement: VACUUM' }),
      line({
        timestamp: at('05.000'),
        session_id: 'p',
        backend_type: 'postmaster',
        message: 'starting PostgreSQL 17.10',
      }),
      line({ timestamp: at('06.000'), session_id: 'c', message: 'statement: ANALYZE' }),
      '{"timestamp": "half a li',
    ].join('\n');
    expect(readServerLog(text)).toMatchObject([
      { end: 'server crashed', endedAtMs: ms('05.000') },
      { end: 'running', endedAtMs: Infinity },
    ]);
  });
});

describe('isActing', () => {
  it.each([
    ['INSERT INTO witness.effects (step) SELECT 1', true],
    [' /* note */ REINDEX INDEX CONCURRENTLY public.a', true],
    ['vacuum (verbose) t', true],
    ['WITH gone AS (DELETE FROM t RETURNING 1) SELECT count(*) FROM gone', true],
    ['WITH done AS (UPDATE ONLY public.t AS x SET a = 1 RETURNING 1) SELECT 1', true],
    ['WITH facts AS (SELECT 1) SELECT * FROM facts', false],
    [`WITH facts AS (SELECT 'a' AS b) SELECT format('GRANT UPDATE, DELETE ON %s; DELETE FROM t', b) FROM facts`, false],
    ['WITH rows AS (SELECT 1 FROM t FOR UPDATE) SELECT 1 FROM rows', false],
    ['SELECT pg_try_advisory_lock(1, 2)', false],
    ['SET lock_timeout = 0', false],
    ['', false],
  ])('%s: %s', (statement, expected) => {
    expect(isActing({ statement })).toBe(expected);
  });
});

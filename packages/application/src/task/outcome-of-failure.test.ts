import { describe, expect, it } from 'vitest';
import { TargetError, type TaskOutcome } from '../ports/index.ts';
import { namingTimeLimit, outcomeOfFailure } from './outcome-of-failure.ts';

const locked = new TargetError('lock_timeout', 'waited too long for a lock', { sqlState: '55P03' });

describe('outcomeOfFailure', () => {
  it.each([
    ['lease_lost', 'lease_lost'],
    ['time_limit', 'time_limit_exceeded'],
    ['window_closed', 'window_closed'],
    ['draining', 'draining'],
  ] as const)('told to stop by %s: FAILED with the code %s, whatever was thrown', (aborted, code) => {
    expect(outcomeOfFailure(locked, aborted)).toMatchObject({ kind: 'failed', error: { code } });
  });

  it('told to stop by a cancel: CANCELLED', () => {
    expect(outcomeOfFailure(locked, 'cancelled')).toEqual({ kind: 'cancelled', result: null });
  });

  it('names what the target said, with its SQLSTATE', () => {
    expect(outcomeOfFailure(locked, undefined)).toMatchObject({
      error: { code: 'lock_timeout', message: 'waited too long for a lock', detail: { sql_state: '55P03' } },
    });
  });

  it('keeps what nobody foresaw out of the ledger', () => {
    const failure = outcomeOfFailure(new Error('postgresql://u:secret@h'), undefined);
    expect(failure).toMatchObject({ error: { code: 'internal_error' } });
    expect(JSON.stringify(failure)).not.toContain('secret');
  });
});

describe('namingTimeLimit', () => {
  const failed: TaskOutcome = {
    kind: 'failed',
    error: { code: 'lock_timeout', message: 'an index was left behind', detail: { sql_state: '57014' } },
    result: { done: 1 },
  };

  it.each([
    ['time_limit', 'time_limit_exceeded'],
    ['window_closed', 'window_closed'],
  ] as const)('says that %s ended a task whose last step failed of it, with what the step said', (aborted, code) => {
    expect(namingTimeLimit(failed, aborted)).toEqual({
      kind: 'failed',
      error: { code, message: expect.stringMatching(/; an index was left behind$/), detail: { sql_state: '57014' } },
      result: { done: 1 },
    });
  });

  it.each(['cancelled', 'draining', undefined] as const)('leaves a failure as it is otherwise (%s)', (aborted) => {
    expect(namingTimeLimit(failed, aborted)).toBe(failed);
  });

  it('leaves a success as it is: all was done when the window closed', () => {
    const succeeded: TaskOutcome = { kind: 'succeeded', result: {} };
    expect(namingTimeLimit(succeeded, 'window_closed')).toBe(succeeded);
  });
});

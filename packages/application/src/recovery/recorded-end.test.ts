import type { Step } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import type { TakenOver } from '../ports/index.ts';
import { recordedEnd } from './recorded-end.ts';

const error = { code: 'lock_timeout', message: 'gave up' };
const step = (state: Step['state'], changes: Partial<Step> = {}): Step => ({
  key: state,
  position: 0,
  state,
  reason: null,
  object: null,
  statement: null,
  phase: null,
  percent: null,
  etaSeconds: null,
  result: null,
  error: state === 'FAILED' ? error : null,
  startedAt: null,
  finishedAt: null,
  ...changes,
});
const end = (steps: readonly Step[], progress: number | null = 100) =>
  recordedEnd({ task: { progress } as TakenOver['task'], steps });

describe('recordedEnd', () => {
  it('is what the steps came to, when all of them are written and over', () => {
    const left = step('SKIPPED', { key: 'b', reason: 'too_small' });
    expect(end([step('SUCCEEDED'), left])).toEqual({
      kind: 'succeeded',
      result: { done: 1, failed: 0, skipped: [{ object: 'b', reason: 'too_small' }] },
    });
    expect(end([step('SUCCEEDED'), step('FAILED')])).toMatchObject({
      kind: 'failed',
      error,
      result: { done: 1, failed: 1 },
    });
    expect(end([left])).toMatchObject({ kind: 'skipped', reason: 'all_steps_skipped' });
  });

  it('does not take a pause for work, and says when the load left no time for the rest', () => {
    const pause = step('SUCCEEDED', { key: 'pause-1', reason: 'load' });
    const left = step('SKIPPED', { key: 'b', reason: 'load' });
    expect(end([left, pause])).toEqual({
      kind: 'skipped',
      reason: 'load',
      result: { done: 0, failed: 0, skipped: [{ object: 'b', reason: 'load' }] },
    });
    expect(end([step('SUCCEEDED'), left, pause])).toMatchObject({ kind: 'skipped', result: { done: 1 } });
    expect(end([step('SUCCEEDED'), pause])).toMatchObject({ kind: 'succeeded', result: { done: 1 } });
    expect(end([step('FAILED'), left, pause])).toMatchObject({ kind: 'failed' });
  });

  it.each([
    ['a step is open', [step('SUCCEEDED'), step('RUNNING')], 100],
    ['a step waits', [step('SUCCEEDED'), step('PENDING')], 100],
    ['a step was broken off', [step('SUCCEEDED'), step('CANCELLED')], 100],
    ['nothing is written', [], 100],
    ['a part of the plan may not be written', [step('SUCCEEDED')], 50],
    ['nobody knows how much there was', [step('SUCCEEDED')], null],
  ] as const)('is unknown when %s', (_, steps, progress) => expect(end(steps, progress)).toBeUndefined());
});

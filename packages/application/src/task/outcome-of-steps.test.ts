import { describe, expect, it } from 'vitest';
import type { Plan, PlannedStep, StepOutcome } from '../ports/index.ts';
import { outcomeOfLoad, outcomeOfSteps } from './outcome-of-steps.ts';

function step(key: string): PlannedStep {
  return {
    key,
    object: { kind: 'table', oid: 1, schema: 's', name: key },
    statements: ['ANALYZE s.t'],
    lockMode: null,
    sizeBytes: 1,
    expectedSeconds: null,
    reversible: true,
    data: {},
  };
}
const plan: Plan = {
  steps: [step('a'), step('b')],
  checked: 5,
  skipped: [{ object: 's.c', reason: 'extension' }],
  unknown: [{ object: 's.d', reason: 'no right', grant: 'GRANT SELECT' }],
};
const results = (...outcomes: StepOutcome[]) =>
  outcomes.map((outcome, i) => ({ step: step(['a', 'b'][i] ?? 'x'), outcome }));

const none: ReadonlySet<string> = new Set();

describe('outcomeOfSteps', () => {
  it('succeeds with every count, the skipped and the unseen included', () => {
    expect(
      outcomeOfSteps(plan, results({ kind: 'done', result: {} }, { kind: 'skipped', reason: 'locked' }), none, {
        bytes_freed: 7,
      }),
    ).toEqual({
      kind: 'succeeded',
      result: {
        checked: 5,
        planned: 2,
        done: 1,
        failed: 0,
        skipped: [
          { object: 's.c', reason: 'extension' },
          { object: 'b', reason: 'locked' },
        ],
        unknown: plan.unknown,
        bytes_freed: 7,
      },
    });
  });

  it('fails when one step failed, and says how many more did', () => {
    const error = { code: 'lock_timeout', message: 'lock not granted' };
    const outcome = outcomeOfSteps(
      plan,
      results({ kind: 'failed', error }, { kind: 'failed', error: { code: 'x', message: 'y' } }),
      none,
      {},
    );
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'lock_timeout', message: 'lock not granted (and 1 more failed step)' },
      result: { failed: 2 },
    });
  });

  it('is skipped, not succeeded, when no step was done', () => {
    expect(outcomeOfSteps(plan, results({ kind: 'skipped', reason: 'xmin_held' }), none, {})).toMatchObject({
      kind: 'skipped',
      reason: 'all_steps_skipped',
    });
  });

  it('succeeds when there was nothing to do, saying what was checked', () => {
    expect(outcomeOfSteps({ ...plan, steps: [], unknown: [] }, [], none, {})).toMatchObject({
      kind: 'succeeded',
      result: { checked: 5, planned: 0 },
    });
  });

  it('fails when it could see nothing it might have worked on: that is not the same as nothing to do', () => {
    expect(outcomeOfSteps({ ...plan, steps: [] }, [], none, {})).toMatchObject({
      kind: 'failed',
      error: { code: 'nothing_visible', message: expect.stringContaining('s.d: no right; cure: GRANT SELECT') },
    });
  });

  it('counts what earlier attempts had done, in the plan or not in it any more', () => {
    const doneBefore = new Set(['a', 'gone_from_the_plan']);
    const done = { step: step('b'), outcome: { kind: 'done', result: {} } } as const;
    expect(outcomeOfSteps(plan, [done], doneBefore, {})).toMatchObject({
      kind: 'succeeded',
      result: { planned: 3, done: 1, done_before: 2 },
    });
  });

  it('succeeds when earlier attempts had done everything, or this one had only to skip', () => {
    const doneBefore = new Set(['a', 'b']);
    expect(outcomeOfSteps(plan, [], doneBefore, {})).toMatchObject({ kind: 'succeeded', result: { done: 0 } });
    expect(outcomeOfSteps({ ...plan, steps: [] }, [], doneBefore, {})).toMatchObject({ kind: 'succeeded' });
    const skipped = { step: step('b'), outcome: { kind: 'skipped', reason: 'locked' } } as const;
    expect(outcomeOfSteps(plan, [skipped], new Set(['a']), {})).toMatchObject({ kind: 'succeeded' });
  });
});

describe('outcomeOfLoad', () => {
  const left: StepOutcome = { kind: 'skipped', reason: 'load' };
  const error = { code: 'lock_timeout', message: 'lock not granted' };

  it('says that the load left no time, and what was done all the same', () => {
    expect(outcomeOfLoad(plan, results({ kind: 'done', result: {} }, left), none, {})).toMatchObject({
      kind: 'skipped',
      reason: 'load',
      result: { done: 1, skipped: [{ object: 's.c' }, { object: 'b', reason: 'load' }] },
    });
    expect(outcomeOfLoad(plan, results(left, left), none, {})).toMatchObject({ kind: 'skipped', reason: 'load' });
  });

  it('hides no failure, and is a success where nothing was left', () => {
    expect(outcomeOfLoad(plan, results({ kind: 'failed', error }, left), none, {})).toMatchObject({ kind: 'failed' });
    const done: StepOutcome = { kind: 'done', result: {} };
    expect(outcomeOfLoad(plan, results(done, done), none, {})).toMatchObject({ kind: 'succeeded' });
  });
});

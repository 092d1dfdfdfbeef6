import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jobOutcome } from './job-outcome.ts';
import { isTerminal, type State, skipReasons, states } from './states.ts';

const at = new Date('2026-11-22T03:00:00Z');
const alive = { cancelRequestedAt: null };
const cancelled = { cancelRequestedAt: at };
const tasks = (...list: (State | [State, string])[]) =>
  list.map((entry, position) => {
    const [state, reason] = typeof entry === 'string' ? [entry, null] : entry;
    return { state, reason, position };
  });

describe('jobOutcome', () => {
  test.each([
    ['all succeeded', alive, tasks('SUCCEEDED', 'SUCCEEDED'), 'SUCCEEDED', null],
    ['a failure outweighs skips', alive, tasks('FAILED', ['SKIPPED', 'halted']), 'FAILED', null],
    ['a failure outweighs cancelling', cancelled, tasks('FAILED', 'CANCELLED'), 'FAILED', null],
    ['cancelled in time', cancelled, tasks('CANCELLED', ['SKIPPED', 'cancelled']), 'CANCELLED', 'cancelled'],
    ['cancelled before it began', cancelled, tasks(['SKIPPED', 'cancelled']), 'CANCELLED', 'cancelled'],
    ['cancelled too late', cancelled, tasks('SUCCEEDED'), 'SUCCEEDED', null],
    ['cancelled half-way', cancelled, tasks('SUCCEEDED', ['SKIPPED', 'cancelled']), 'CANCELLED', 'cancelled'],
    ['rolled back', alive, tasks('SUCCEEDED', 'ROLLED_BACK', ['SKIPPED', 'halted']), 'ROLLED_BACK', null],
    ['a failure outweighs what was rolled back', alive, tasks('ROLLED_BACK', 'FAILED'), 'FAILED', null],
    ['stopped by its window', alive, tasks(['CANCELLED', 'outside_window']), 'CANCELLED', 'outside_window'],
    ['skipped', alive, tasks('SUCCEEDED', ['SKIPPED', 'outside_window']), 'SKIPPED', 'outside_window'],
    ['one task better left alone', alive, tasks('SUCCEEDED', ['SKIPPED', 'all_steps_skipped']), 'SUCCEEDED', null],
    ['every task better left alone', alive, tasks(['SKIPPED', 'all_steps_skipped']), 'SKIPPED', 'all_steps_skipped'],
    ['without tasks', alive, [], 'SKIPPED', 'nothing_to_do'],
  ] as const)('%s', (_, job, list, state, reason) => {
    expect(jobOutcome(job, list)).toEqual({ state, reason });
  });

  test('gives the reason of the first skipped task by position', () => {
    const list = [
      { state: 'SKIPPED', reason: 'target_busy', position: 1 },
      { state: 'SKIPPED', reason: 'overlap', position: 0 },
    ] as const;
    expect(jobOutcome(alive, list)).toEqual({ state: 'SKIPPED', reason: 'overlap' });
  });

  test('is null exactly while a task is open, and always one of the terminal states otherwise', () => {
    const task = fc.record({
      state: fc.constantFrom(...states),
      reason: fc.option(fc.constantFrom(...skipReasons)),
      position: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(task, { minLength: 1, maxLength: 6 }), fc.constantFrom(alive, cancelled), (list, job) => {
        const outcome = jobOutcome(job, list);
        const isOver = list.every(({ state }) => isTerminal(state));
        expect(outcome !== null).toBe(isOver);
        if (!outcome) return;
        expect(isTerminal(outcome.state)).toBe(true);
        const leftAlone = (entry: (typeof list)[number]) =>
          job === alive && entry.state === 'SKIPPED' && entry.reason === 'all_steps_skipped';
        expect(outcome.state === 'SUCCEEDED').toBe(
          list.some(({ state }) => state === 'SUCCEEDED') &&
            list.every((entry) => entry.state === 'SUCCEEDED' || leftAlone(entry)),
        );
        expect(outcome.state === 'FAILED').toBe(list.some(({ state }) => state === 'FAILED'));
      }),
    );
  });
});

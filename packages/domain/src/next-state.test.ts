import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextState, resolutions, type StateEvent } from './next-state.ts';
import { isTerminal, type State, skipReasons, states } from './states.ts';

const events: Record<StateEvent['kind'], StateEvent> = {
  claim: { kind: 'claim' },
  release: { kind: 'release' },
  succeed: { kind: 'succeed' },
  fail: { kind: 'fail' },
  redrive: { kind: 'redrive' },
  roll_back: { kind: 'roll_back' },
  need_operator: { kind: 'need_operator' },
  resolve: { kind: 'resolve', resolution: 'retry' },
  resume: { kind: 'resume' },
  cancel: { kind: 'cancel' },
  skip: { kind: 'skip', reason: 'halted' },
};
const anyEvent = fc.oneof(
  fc.constantFrom<StateEvent>(
    events.claim,
    events.release,
    events.redrive,
    events.succeed,
    events.fail,
    events.roll_back,
    events.need_operator,
    events.resume,
    events.cancel,
  ),
  fc.record({ kind: fc.constant('resolve' as const), resolution: fc.constantFrom(...resolutions) }),
  fc.record({ kind: fc.constant('skip' as const), reason: fc.constantFrom(...skipReasons) }),
);

describe('nextState', () => {
  test.each<[State, StateEvent['kind'], State]>([
    ['PENDING', 'claim', 'RUNNING'],
    ['PENDING', 'cancel', 'CANCELLED'],
    ['PENDING', 'skip', 'SKIPPED'],
    ['RUNNING', 'release', 'PENDING'],
    ['RUNNING', 'succeed', 'SUCCEEDED'],
    ['RUNNING', 'fail', 'FAILED'],
    ['RUNNING', 'cancel', 'CANCELLED'],
    ['RUNNING', 'skip', 'SKIPPED'],
    ['RUNNING', 'redrive', 'PENDING'],
    ['RUNNING', 'roll_back', 'ROLLED_BACK'],
    ['RUNNING', 'need_operator', 'NEEDS_OPERATOR'],
    ['NEEDS_OPERATOR', 'resolve', 'PENDING'],
    ['NEEDS_OPERATOR', 'resume', 'RUNNING'],
  ])('%s on %s becomes %s', (state, kind, expected) => {
    expect(nextState(state, events[kind])).toEqual({ kind: 'moved', state: expected });
  });

  test.each<[State, StateEvent['kind'], string]>([
    ['PENDING', 'release', 'not_running'],
    ['PENDING', 'succeed', 'not_running'],
    ['PENDING', 'fail', 'not_running'],
    ['RUNNING', 'claim', 'already_running'],
    ['RUNNING', 'resolve', 'needs_no_operator'],
    ['PENDING', 'resolve', 'needs_no_operator'],
    ['RUNNING', 'resume', 'needs_no_operator'],
    ['PENDING', 'resume', 'needs_no_operator'],
    ['PENDING', 'redrive', 'not_running'],
    ['PENDING', 'need_operator', 'not_running'],
    ['NEEDS_OPERATOR', 'claim', 'needs_operator'],
    ['NEEDS_OPERATOR', 'cancel', 'needs_operator'],
    ['NEEDS_OPERATOR', 'skip', 'needs_operator'],
    ['NEEDS_OPERATOR', 'redrive', 'needs_operator'],
  ])('%s refuses %s as %s', (state, kind, reason) => {
    expect(nextState(state, events[kind])).toEqual({ kind: 'refused', reason });
  });

  test.each([
    ['succeeded', 'SUCCEEDED'],
    ['failed', 'FAILED'],
    ['rolled_back', 'ROLLED_BACK'],
    ['retry', 'PENDING'],
  ] as const)('what a person says, %s, becomes %s', (resolution, expected) => {
    expect(nextState('NEEDS_OPERATOR', { kind: 'resolve', resolution })).toEqual({ kind: 'moved', state: expected });
  });

  test.each([
    ['succeeded', 'SUCCEEDED'],
    ['failed', 'FAILED'],
    ['rolled_back', 'ROLLED_BACK'],
    ['retry', 'PENDING'],
  ] as const)('a person who says %s makes it %s', (resolution, state) => {
    expect(nextState('NEEDS_OPERATOR', { kind: 'resolve', resolution })).toEqual({ kind: 'moved', state });
  });

  test('terminal states stay terminal whatever happens', () => {
    fc.assert(
      fc.property(fc.constantFrom(...states), fc.array(anyEvent, { maxLength: 30 }), (start, happening) => {
        let state: State = start;
        for (const event of happening) {
          const transition = nextState(state, event);
          if (isTerminal(state)) expect(transition).toEqual({ kind: 'refused', reason: 'over' });
          if (transition.kind === 'moved') {
            expect(transition.state).not.toBe(state);
            state = transition.state;
          }
        }
      }),
    );
  });
});

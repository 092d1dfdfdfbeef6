import { nextState, type State, type StateEvent } from '@slacktide/domain';

/** The state an event leads to where only a fault of ours could make it inapplicable. @throws Error then. */
export function move(state: State, event: StateEvent): State {
  const transition = nextState(state, event);
  if (transition.kind === 'refused') {
    throw new Error(`expected ${event.kind} to apply to ${state}, got: ${transition.reason}`);
  }
  return transition.state;
}

import type { SkipReason, State } from './states.ts';
import { isTerminal } from './states.ts';

/** What can happen to a job or a task. */
export type StateEvent =
  /** A worker took it. */
  | { readonly kind: 'claim' }
  /** The worker gave it back before anything was done. */
  | { readonly kind: 'release' }
  | { readonly kind: 'succeed' }
  | { readonly kind: 'fail' }
  /** Somebody stopped it. */
  | { readonly kind: 'cancel' }
  /** It will not be done; a running one is skipped when there turned out to be nothing to do, or the window closed. */
  | { readonly kind: 'skip'; readonly reason: SkipReason };

/** Why an event does not apply. */
export type Refusal = 'over' | 'not_running' | 'already_running';

export type Transition =
  | { readonly kind: 'moved'; readonly state: State }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** Decides every transition of jobs and tasks (law 2). A terminal state is never left: any event on it is refused as `over`. */
export function nextState(state: State, event: StateEvent): Transition {
  if (isTerminal(state)) return { kind: 'refused', reason: 'over' };
  const isRunning = state === 'RUNNING';
  switch (event.kind) {
    case 'claim':
      return isRunning ? { kind: 'refused', reason: 'already_running' } : { kind: 'moved', state: 'RUNNING' };
    case 'release':
      return whenRunning(isRunning, 'PENDING');
    case 'succeed':
      return whenRunning(isRunning, 'SUCCEEDED');
    case 'fail':
      return whenRunning(isRunning, 'FAILED');
    case 'cancel':
      return { kind: 'moved', state: 'CANCELLED' };
    case 'skip':
      return { kind: 'moved', state: 'SKIPPED' };
  }
}

function whenRunning(isRunning: boolean, state: State): Transition {
  return isRunning ? { kind: 'moved', state } : { kind: 'refused', reason: 'not_running' };
}

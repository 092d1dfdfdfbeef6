import type { SkipReason, State, TerminalState } from './states.ts';
import { isTerminal } from './states.ts';

/** What a person may say became of work whose outcome was unclear; `retry` has it run again. */
export const resolutions = ['succeeded', 'failed', 'rolled_back', 'retry'] as const;
export type Resolution = (typeof resolutions)[number];

/** What can happen to a job or a task. */
export type StateEvent =
  /** A worker took it. */
  | { readonly kind: 'claim' }
  /** The worker gave it back before anything was done. */
  | { readonly kind: 'release' }
  /** Its worker is gone, nothing of it runs any more, and it may be done again. */
  | { readonly kind: 'redrive' }
  | { readonly kind: 'succeed' }
  | { readonly kind: 'fail' }
  /** What it had begun was taken back. */
  | { readonly kind: 'roll_back' }
  /** Nobody knows what became of it, and it must not simply be done again. */
  | { readonly kind: 'need_operator' }
  /** A person said what became of it. */
  | { readonly kind: 'resolve'; readonly resolution: Resolution }
  /** A job: none of its tasks needs an operator any more. */
  | { readonly kind: 'resume' }
  /** Somebody stopped it. */
  | { readonly kind: 'cancel' }
  /** It will not be done; a running one is skipped when there turned out to be nothing to do, or the window closed. */
  | { readonly kind: 'skip'; readonly reason: SkipReason };

/** Why an event does not apply. */
export type Refusal = 'over' | 'not_running' | 'already_running' | 'needs_operator' | 'needs_no_operator';

export type Transition =
  | { readonly kind: 'moved'; readonly state: State }
  | { readonly kind: 'refused'; readonly reason: Refusal };

const resolvedTo: Record<Resolution, TerminalState | 'PENDING'> = {
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  rolled_back: 'ROLLED_BACK',
  retry: 'PENDING',
};

/**
 * Decides every transition of jobs and tasks (law 2). A terminal state is never left: any event on it is refused as `over`; NEEDS_OPERATOR is left
 * by a person's word alone: a task by `resolve`, its job by the `resume` that follows the last one.
 */
export function nextState(state: State, event: StateEvent): Transition {
  if (isTerminal(state)) return { kind: 'refused', reason: 'over' };
  if (state === 'NEEDS_OPERATOR' && event.kind !== 'resolve' && event.kind !== 'resume') {
    return { kind: 'refused', reason: 'needs_operator' };
  }
  const isRunning = state === 'RUNNING';
  switch (event.kind) {
    case 'claim':
      return isRunning ? { kind: 'refused', reason: 'already_running' } : { kind: 'moved', state: 'RUNNING' };
    case 'release':
    case 'redrive':
      return whenRunning(isRunning, 'PENDING');
    case 'succeed':
      return whenRunning(isRunning, 'SUCCEEDED');
    case 'fail':
      return whenRunning(isRunning, 'FAILED');
    case 'roll_back':
      return whenRunning(isRunning, 'ROLLED_BACK');
    case 'need_operator':
      return whenRunning(isRunning, 'NEEDS_OPERATOR');
    case 'resolve':
      return whenUnclear(state, resolvedTo[event.resolution]);
    case 'resume':
      return whenUnclear(state, 'RUNNING');
    case 'cancel':
      return { kind: 'moved', state: 'CANCELLED' };
    case 'skip':
      return { kind: 'moved', state: 'SKIPPED' };
  }
}

function whenRunning(isRunning: boolean, state: State): Transition {
  return isRunning ? { kind: 'moved', state } : { kind: 'refused', reason: 'not_running' };
}

function whenUnclear(state: State, next: State): Transition {
  return state === 'NEEDS_OPERATOR' ? { kind: 'moved', state: next } : { kind: 'refused', reason: 'needs_no_operator' };
}

/** States a job or a task can be in. AWAITING_APPROVAL joins with the feature that needs it. */
export const states = [
  'PENDING',
  'RUNNING',
  /** The outcome of dangerous work is unclear, and a person has to say what became of it. */
  'NEEDS_OPERATOR',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'SKIPPED',
  'ROLLED_BACK',
] as const;
export type State = (typeof states)[number];
export type JobState = State;
export type TaskState = State;

/** States that are never left again. */
export const terminalStates = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED', 'ROLLED_BACK'] as const;
export type TerminalState = (typeof terminalStates)[number];

/** True when `state` is never left again. */
export function isTerminal(state: State): state is TerminalState {
  return (terminalStates as readonly State[]).includes(state);
}

/** Why a job or task ended, or never began, without having failed by itself. */
export const skipReasons = [
  'outside_window',
  'halted',
  'cancelled',
  'missed',
  'overlap',
  'disabled',
  'target_busy',
  /** Every step of the task was skipped, each with its own reason. */
  'all_steps_skipped',
  /** The target was under more load than the task's `throttle` allows, for longer than it may wait. */
  'load',
  /** It holds a task of a type that is switched off. */
  'task_type_off',
] as const;
export type SkipReason = (typeof skipReasons)[number];

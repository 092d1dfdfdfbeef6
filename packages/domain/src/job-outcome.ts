import type { Job, Task } from './job.ts';
import type { TerminalState } from './states.ts';
import { isTerminal } from './states.ts';

export interface JobOutcome {
  readonly state: TerminalState;
  /** Why it ended without having done all its work; null for SUCCEEDED, and for FAILED, whose tasks carry the errors. */
  readonly reason: string | null;
}

/**
 * How a job ended, or null while one of its tasks is open. Any task FAILED → FAILED; else cancel requested and any not
 * SUCCEEDED, or a task CANCELLED for another cause → CANCELLED; else any ROLLED_BACK → ROLLED_BACK; else any SKIPPED → SKIPPED with the reason of the first
 * of them by position; else SUCCEEDED. A task that ran and found every step better left alone (`all_steps_skipped`) does not
 * make a job SKIPPED in which others succeeded. A job without tasks had nothing to do.
 */
export function jobOutcome(
  job: Pick<Job, 'cancelRequestedAt'>,
  tasks: readonly Pick<Task, 'state' | 'reason' | 'position'>[],
): JobOutcome | null {
  if (tasks.length === 0) return { state: 'SKIPPED', reason: 'nothing_to_do' };
  if (!tasks.every((task) => isTerminal(task.state))) return null;

  const first = (state: TerminalState) => byPosition(tasks.filter((task) => task.state === state))[0];
  if (first('FAILED')) return { state: 'FAILED', reason: null };
  if (job.cancelRequestedAt !== null && tasks.some((task) => task.state !== 'SUCCEEDED')) {
    return { state: 'CANCELLED', reason: 'cancelled' };
  }
  const cancelled = first('CANCELLED');
  if (cancelled) return { state: 'CANCELLED', reason: cancelled.reason };
  const cut = tasks.filter((task) => task.state === 'SKIPPED' && task.reason !== 'all_steps_skipped');
  if (first('ROLLED_BACK')) return { state: 'ROLLED_BACK', reason: null };
  const skipped = first('SUCCEEDED') === undefined ? first('SKIPPED') : byPosition(cut)[0];
  if (skipped) return { state: 'SKIPPED', reason: skipped.reason };
  return { state: 'SUCCEEDED', reason: null };
}

function byPosition<T extends { readonly position: number }>(tasks: readonly T[]): readonly T[] {
  return tasks.toSorted((a, b) => a.position - b.position);
}

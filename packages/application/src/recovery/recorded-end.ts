import { isTerminal, loadReason, pauseNumberOf } from '@slacktide/domain';
import type { TakenOver, TaskOutcome } from '../ports/index.ts';

/**
 * How a task ended by the steps its worker had written; undefined when one of them is open, or may be missing: only a progress of 100 tells that the
 * plan was written whole and every step of it is over. Then the task's own outcome is all that is not written.
 */
export function recordedEnd({ task, steps: all }: Pick<TakenOver, 'task' | 'steps'>): TaskOutcome | undefined {
  const steps = all.filter(({ key }) => pauseNumberOf(key) === undefined);
  const isOver = task.progress === 100 && steps.length > 0 && steps.every(({ state }) => isTerminal(state));
  if (!isOver || steps.some(({ state }) => state === 'CANCELLED')) return undefined;
  const result = {
    done: steps.filter(({ state }) => state === 'SUCCEEDED').length,
    failed: steps.filter(({ state }) => state === 'FAILED').length,
    skipped: steps.flatMap(({ key, reason, state }) => (state === 'SKIPPED' ? [{ object: key, reason }] : [])),
  };
  const error = steps.find(({ state }) => state === 'FAILED')?.error;
  if (error !== null && error !== undefined) return { kind: 'failed', error, result };
  if (steps.some(({ state, reason }) => state === 'SKIPPED' && reason === loadReason)) {
    return { kind: 'skipped', reason: loadReason, result };
  }
  return result.done > 0 ? { kind: 'succeeded', result } : { kind: 'skipped', reason: 'all_steps_skipped', result };
}

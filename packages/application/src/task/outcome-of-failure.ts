import type { TaskError } from '@slacktide/domain';
import { TargetError, type TaskOutcome } from '../ports/index.ts';
import type { AbortReason } from './task-abort.ts';

const abortErrors: Record<Exclude<AbortReason, 'cancelled'>, TaskError> = {
  lease_lost: {
    code: 'lease_lost',
    message: 'the worker could not prove its lease in time and stopped its work',
  },
  time_limit: {
    code: 'time_limit_exceeded',
    message: 'the task took longer than its time limit and was stopped',
  },
  window_closed: {
    code: 'window_closed',
    message: 'the window of the job closed before the task was over, and it was stopped',
  },
  draining: { code: 'draining', message: 'the worker had to stop before the task was over' },
};

/** How a task ended that threw: told to stop, refused by the target, or a fault of ours. */
export function outcomeOfFailure(error: unknown, aborted: AbortReason | undefined): TaskOutcome {
  if (aborted === 'cancelled') return { kind: 'cancelled', result: null };
  if (aborted !== undefined) return { kind: 'failed', error: abortErrors[aborted], result: null };
  if (error instanceof TargetError) {
    const detail = error.sqlState === null ? {} : { detail: { sql_state: error.sqlState } };
    return { kind: 'failed', error: { code: error.code, message: error.message, ...detail }, result: null };
  }
  // A message of an unforeseen error may hold anything, even a connection string: it goes to the log, not to the ledger.
  return {
    kind: 'failed',
    error: { code: 'internal_error', message: 'the executor failed unexpectedly; see the worker log' },
    result: null,
  };
}

/** The last step failed because the time was up, or the window closed: that is what the task failed of; what the step said is kept with it. */
export function namingTimeLimit(outcome: TaskOutcome, aborted: AbortReason | undefined): TaskOutcome {
  if ((aborted !== 'time_limit' && aborted !== 'window_closed') || outcome.kind !== 'failed') return outcome;
  const { code, message } = abortErrors[aborted];
  return { ...outcome, error: { ...outcome.error, code, message: `${message}; ${outcome.error.message}` } };
}

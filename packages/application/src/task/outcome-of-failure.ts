import { TargetError, type TaskOutcome } from '../ports/index.ts';
import type { AbortReason } from './task-abort.ts';

const abortMessages: Record<Exclude<AbortReason, 'cancelled'>, string> = {
  lease_lost: 'the worker could not prove its lease in time and stopped its work',
  delivery_lost: 'the queue gave the task to another worker and this one stopped',
  time_limit: 'the task took longer than its time limit and was stopped',
  draining: 'the worker had to stop before the task was over',
};

/** How a task ended that threw: told to stop, refused by the target, or a fault of ours. */
export function outcomeOfFailure(error: unknown, aborted: AbortReason | undefined): TaskOutcome {
  if (aborted === 'cancelled') return { kind: 'cancelled', result: null };
  if (aborted !== undefined)
    return { kind: 'failed', error: { code: aborted, message: abortMessages[aborted] }, result: null };
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

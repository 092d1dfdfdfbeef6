/** Why a running task was told to stop. */
export type AbortReason = 'cancelled' | 'lease_lost' | 'draining' | 'time_limit' | 'window_closed';

/** The `reason` of a task's AbortSignal. */
export class TaskAbort extends Error {
  readonly reason: AbortReason;

  constructor(reason: AbortReason) {
    super(`task aborted: ${reason}`);
    this.name = 'TaskAbort';
    this.reason = reason;
  }
}

/** The reason of an aborted signal; undefined while it is not aborted. A foreign reason counts as the end of the process. */
export function abortReasonOf(signal: AbortSignal): AbortReason | undefined {
  if (!signal.aborted) return undefined;
  return signal.reason instanceof TaskAbort ? signal.reason.reason : 'draining';
}

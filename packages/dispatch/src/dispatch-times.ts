/**
 * Times of the dispatch, all in milliseconds. How they must relate (a test holds them to it):
 *
 *   socketTimeout of the commands < commandLimit   a dead socket is gone before the caller is told so
 *   socketTimeout of the workers  < lock / 2       a deaf connection is replaced in time for the next renewal of a lock
 *   blockFor                      < blockingSocketTimeout   silence while waiting for work is no fault
 */
export const dispatchTimes = {
  /** The longest that adding, leasing, looking may take before it rejects: an outbox row is locked meanwhile. */
  commandLimitMs: 5_000,
  commandSocketTimeoutMs: 4_000,
  connectTimeoutMs: 5_000,
  /** A job is its worker's for this long; renewed at half of it. One whose worker died before it claimed waits for it, and for the stalled check. */
  lockMs: 15_000,
  /** One look of all workers together finds deliveries without a lock, the next has them delivered again: so twice this at most. */
  stalledCheckMs: 5_000,
  workerSocketTimeoutMs: 6_000,
  /**
   * How long an idle queue blocks in Redis before it looks again by itself. BullMQ wakes one worker per queue by a marker; a process that is
   * killed with the marker in hand leaves the others asleep, beside jobs that wait, for as long as this. Two commands per queue each time.
   */
  blockForMs: 5_000,
  /** While a delayed job is known, a queue blocks for up to 10 s. */
  blockingSocketTimeoutMs: 20_000,
  keepAliveMs: 10_000,
  /** First TCP retry after a loss, doubled up to the longest. */
  reconnectFirstMs: 100,
  reconnectLongestMs: 2_000,
  /** Back-off between deliveries that failed for want of infrastructure, doubled up to the longest. */
  retryFirstMs: 1_000,
  retryLongestMs: 60_000,
  /** How long closing may take: without Redis, BullMQ would wait for ever. */
  closeLimitMs: 5_000,
} as const;

/** Deliveries that fail for want of infrastructure: 100 with back-off are an hour and a half, then the flow is for the reconciler. */
export const deliveryAttempts = 100;

/** Delay before attempt `attempt + 1`: 1 s, 2 s, 4 s … 60 s, less up to a fifth so that retries spread. `random` is between 0 and 1. */
export function retryDelayMs(attempt: number, random: number): number {
  const { retryFirstMs, retryLongestMs } = dispatchTimes;
  const full = Math.min(retryFirstMs * 2 ** Math.min(attempt - 1, 20), retryLongestMs);
  return Math.round(full * (1 - random / 5));
}

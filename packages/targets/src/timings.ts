/** The bounds of a session, which only hold together: see `timings.test.ts` for their inequalities. */
export interface Timings {
  /** Patience for TCP, TLS and authentication. */
  readonly connectTimeoutMs: number;
  /** The server ends a session that has been silent for so long: this frees the advisory lock of a worker that froze. */
  readonly idleSessionTimeoutMs: number;
  /** An idle session says something this often: a third of the above, so that one late answer harms nothing. */
  readonly keepAliveMs: number;
  /** No answer for so long means the session is lost. Longer than the server's own patience with us (about 6 s). */
  readonly answerDeadlineMs: number;
  /** pg_cancel_backend is said again after this, growing to a second: one that comes before its statement is ignored. */
  readonly cancelRetryMs: number;
  /** A statement that ignores its cancel for so long is ended with its session. */
  readonly terminateAfterMs: number;
  /** Even that had no effect: the socket is destroyed, and client_connection_check_interval does the rest. */
  readonly destroyAfterMs: number;
  /** What may be spent on cleaning up after a cancelled or failed statement. */
  readonly cleanUpMs: number;
  /** A program that was interrupted may take so long to clean up after itself, then it is killed. */
  readonly programKillAfterMs: number;
  /** How long a predecessor may take to end after its statement was cancelled, and again after it was terminated. */
  readonly predecessorPatienceMs: number;
}

export const defaultTimings: Timings = {
  connectTimeoutMs: 5_000,
  idleSessionTimeoutMs: 10_000,
  keepAliveMs: 3_000,
  answerDeadlineMs: 8_000,
  cancelRetryMs: 50,
  terminateAfterMs: 7_000,
  destroyAfterMs: 11_000,
  cleanUpMs: 20_000,
  programKillAfterMs: 10_000,
  predecessorPatienceMs: 5_000,
};

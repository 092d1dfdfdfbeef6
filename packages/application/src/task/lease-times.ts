/**
 * How long a worker may act without proving that it still may. All in milliseconds.
 *
 *   renewed (sent)      next one sent         known to have failed      process gone               lease may be taken
 *        |-- renewEvery ------>|-- renewTimeout -->|-- stopGrace ------------>|  (reserve)  |
 *        |<------------------------------- life -------------------------------------------->|
 *
 * so `renewEvery + renewTimeout + stopGrace < life`: who cannot prove its right is silent before anyone else has one. The reserve is for
 * the server, which ends the statement of a client that is gone within a second (client_connection_check_interval).
 */
export interface LeaseTimes {
  /** Life of a lease in ledger and Redis: how long a target stays blocked after its worker died. */
  readonly lifeMs: number;
  /** From the sending of one renewal to the next: a third of the life. */
  readonly renewEveryMs: number;
  /** Limit of one renewal. */
  readonly renewTimeoutMs: number;
  /** How long work may take to stop once the lease could not be proven; then the process ends. */
  readonly stopGraceMs: number;
  /** The same for every other reason to stop, when the lease is still proven: room for cleaning up on the target. */
  readonly stopLimitMs: number;
  /** How long an outcome that is known is kept and tried to be written while the ledger is away. */
  readonly outcomeLimitMs: number;
  /** Upper bound of any one statement on a target when neither window nor time limit bounds it. */
  readonly maxStatementMs: number;
  /** How often steps and percentages are written while a statement runs. */
  readonly progressEveryMs: number;
}

/** The times of a lease that lives so long, e.g. 30 s: renewed every 10 s, within 7.5 s, and 10 s to stop. */
export function leaseTimes(lifeMs: number): LeaseTimes {
  return {
    lifeMs,
    renewEveryMs: Math.floor(lifeMs / 3),
    renewTimeoutMs: Math.floor(lifeMs / 4),
    stopGraceMs: Math.floor(lifeMs / 3),
    stopLimitMs: 120_000,
    outcomeLimitMs: 60_000,
    maxStatementMs: 12 * 3_600_000,
    progressEveryMs: 1_000,
  };
}

/** How long a worker may act without proving that it still may. All in milliseconds. */
export interface LeaseTimes {
  /** Life of a lease in ledger and Redis: how long a target stays blocked after its worker died. */
  readonly lifeMs: number;
  /** Renewal interval: a third of the life, so that one lost renewal still leaves time to stop before a successor may start. */
  readonly renewEveryMs: number;
  /** Limit of one renewal: ends well before the life does. */
  readonly renewTimeoutMs: number;
  /** Upper bound of any one statement on a target when no window bounds it. */
  readonly maxStatementMs: number;
  /** How often steps and percentages are written while a statement runs. */
  readonly progressEveryMs: number;
}

export const defaultLeaseTimes: LeaseTimes = {
  lifeMs: 30_000,
  renewEveryMs: 10_000,
  renewTimeoutMs: 8_000,
  maxStatementMs: 12 * 3_600_000,
  progressEveryMs: 1_000,
};

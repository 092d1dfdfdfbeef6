/** How patient recovery is, counted from the end of the lease. All in milliseconds. */
export interface RecoveryTimes {
  /** How long the session of a dead worker may go on by itself before it is ended. */
  readonly waitMs: number;
  /** How long recovery is tried while the target, or a session that will not end, stands in its way. */
  readonly giveUpMs: number;
}

/** Of leases that live so long, e.g. 30 s: a session is ended after a minute, and after a quarter of an hour nothing is waited for any more. */
export function recoveryTimes(leaseLifeMs: number): RecoveryTimes {
  return { waitMs: 2 * leaseLifeMs, giveUpMs: 30 * leaseLifeMs };
}

const shortestPauseMs = 1_000;
const longestPauseMs = 60_000;

/** Until the next look at what could not be recovered yet: the longer it lasts the rarer, e.g. 5 s after 20 s; never beyond the moment at which patience ends. */
export function pauseMs(expiredForMs: number, { waitMs, giveUpMs }: RecoveryTimes): number {
  const left = [waitMs, giveUpMs].map((atMs) => atMs - expiredForMs).filter((ms) => ms > 0);
  return Math.max(shortestPauseMs, Math.min(longestPauseMs, expiredForMs / 4, ...left));
}

/** How patient recovery is in a worker with these times. */
export function patienceOf(deps: {
  readonly patience?: RecoveryTimes;
  readonly times: { readonly lifeMs: number };
}): RecoveryTimes {
  return deps.patience ?? recoveryTimes(deps.times.lifeMs);
}

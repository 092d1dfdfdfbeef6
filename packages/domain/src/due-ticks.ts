import { firingsWithin, latestFirings, nextFiring } from './firings.ts';
import type { Schedule } from './schedule.ts';

/** How late a tick may be dispatched under the policy `skip` and still run: longer than a restart of the dispatcher. */
export const defaultGraceMs = 60_000;

/** How many missed ticks get a row of their own; older ones are told by number only. */
export const defaultMissedLimit = 100;

/** Ticks left out are counted up to here: an every-second schedule that slept for a month must not keep the dispatcher busy. */
const countLimit = 1000;

export interface DueTicksInput {
  readonly schedule: Pick<Schedule, 'cronExpression' | 'timezone' | 'misfirePolicy' | 'nextDueAt'>;
  /** By the ledger's clock. */
  readonly now: Date;
  /** Bound of `missed`. Default 100. */
  readonly limit?: number;
  /** Default 60 seconds. */
  readonly graceMs?: number;
}

export interface DueTicks {
  /** The due time to run now, on time or as a late `run_once`; null when nothing is due, or what is due is missed. */
  readonly run: Date | null;
  /** Due times to write as SKIPPED (`missed`), oldest first; the newest `limit` of them. */
  readonly missed: readonly Date[];
  /** Missed ticks older than those in `missed`; `exact: false` means at least so many. */
  readonly leftOut: { readonly count: number; readonly exact: boolean };
  /** The schedule's new due time, after `now`; null when it is disabled or never fires again. */
  readonly nextDueAt: Date | null;
}

/**
 * What is due of a schedule, by its policy: the latest due tick runs and every earlier one is missed; under `skip` the latest, too, is missed once it is
 * later than the grace. The stored `nextDueAt` counts as due even if the expression would not give it.
 */
export function dueTicks(input: DueTicksInput): DueTicks {
  const { schedule, now, limit = defaultMissedLimit, graceMs = defaultGraceMs } = input;
  const { cronExpression, timezone, nextDueAt } = schedule;
  const none = { count: 0, exact: true };
  if (nextDueAt === null || nextDueAt > now) return { run: null, missed: [], leftOut: none, nextDueAt };

  const span = { after: nextDueAt, upTo: now };
  const counted = [nextDueAt, ...firingsWithin(cronExpression, timezone, span, limit + countLimit + 1)];
  const exact = counted.length <= limit + countLimit + 1;
  const due = exact ? counted : latestFirings(cronExpression, timezone, span, limit + 1);

  const latest = due.at(-1) ?? nextDueAt;
  const isMissed = schedule.misfirePolicy === 'skip' && now.getTime() - latest.getTime() > graceMs;
  const missed = isMissed ? due : due.slice(0, -1);
  const kept = missed.slice(Math.max(0, missed.length - limit));
  return {
    run: isMissed ? null : latest,
    missed: kept,
    leftOut: exact ? { count: missed.length - kept.length, exact } : { count: countLimit, exact },
    // Not from `now`: after a change of clocks a search from the middle of an hour may find one that has fired already.
    nextDueAt: nextFiring(cronExpression, timezone, latest),
  };
}

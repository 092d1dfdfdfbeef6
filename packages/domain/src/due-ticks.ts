import { latestFirings, nextFiring, walkFirings } from './firings.ts';
import { longestCatchUpSeconds, type Schedule } from './schedule.ts';

/**
 * How late a tick may be dispatched and still count as on time, under every policy: longer than a restart of the dispatcher.
 * Under `skip` it is all the lateness there may be.
 */
export const defaultGraceMs = 60_000;

/** How many missed ticks get a row of their own; older ones, and those that are past any catching up, are told by number only. */
export const defaultMissedLimit = 100;

/** Ticks left out are counted up to here: an every-second schedule that slept for a month must not keep the dispatcher busy. */
const countLimit = 1000;

export interface DueTicksInput {
  readonly schedule: Pick<
    Schedule,
    'cronExpression' | 'timezone' | 'misfirePolicy' | 'misfireMax' | 'catchUpSeconds' | 'nextDueAt'
  >;
  /** By the ledger's clock. */
  readonly now: Date;
  /** Bound of `missed`. Default 100. */
  readonly limit?: number;
  /** Default 60 seconds. */
  readonly graceMs?: number;
}

export interface DueTicks {
  /** Due times to run now, oldest first: the latest, on time or caught up with; several under `run_all` only. */
  readonly runs: readonly Date[];
  /** Due times to write as SKIPPED (`missed`), oldest first; of the last month the newest `limit`, all before those that run. */
  readonly missed: readonly Date[];
  /** Missed ticks older than those in `missed`; `exact: false` means at least so many. */
  readonly leftOut: { readonly count: number; readonly exact: boolean };
  /** The schedule's new due time, after `now`; null when it is disabled or never fires again. */
  readonly nextDueAt: Date | null;
}

/**
 * What is due of a schedule, by its policy. `run_once` runs the latest due tick, `run_all` the newest `misfireMax`, `skip` the latest
 * only when it is on time. A tick later than `catchUpSeconds` (and than the grace) does not run under any policy; whatever does
 * not run is missed. The stored `nextDueAt` counts as due even if the expression would not give it.
 */
export function dueTicks(input: DueTicksInput): DueTicks {
  const { schedule, now, limit = defaultMissedLimit, graceMs = defaultGraceMs } = input;
  const { cronExpression, timezone, misfirePolicy, nextDueAt } = schedule;
  const none = { count: 0, exact: true };
  if (nextDueAt === null || nextDueAt > now) return { runs: [], missed: [], leftOut: none, nextDueAt };

  const runLimit = misfirePolicy === 'run_all' ? schedule.misfireMax : 1;
  const latestMs = misfirePolicy === 'skip' ? graceMs : Math.max(graceMs, schedule.catchUpSeconds * 1000);
  const { due, exact, next } = dueTimes(cronExpression, timezone, { after: nextDueAt, upTo: now }, limit + runLimit);
  const runs = due.slice(-runLimit).filter((at) => now.getTime() - at.getTime() <= latestMs);
  const missed = due.slice(0, due.length - runs.length);
  const ofUse = missed.filter((at) => now.getTime() - at.getTime() <= longestCatchUpSeconds * 1000);
  const kept = ofUse.slice(Math.max(0, ofUse.length - limit));
  return {
    runs,
    missed: kept,
    leftOut: exact ? { count: missed.length - kept.length, exact } : { count: countLimit, exact },
    nextDueAt: next,
  };
}

/** The due times from `span.after` on, that one included, and the first beyond; `exact: false` when there are so many that only the newest are given. */
function dueTimes(cronExpression: string, timezone: string, span: { after: Date; upTo: Date }, newest: number) {
  const { firings, next } = walkFirings(cronExpression, timezone, span, newest + countLimit);
  if (next === null || next > span.upTo) return { due: [span.after, ...firings], exact: true, next };
  const due = latestFirings(cronExpression, timezone, span, newest);
  // Not from `upTo`: after a change of clocks a search from the middle of an hour may find one that has fired already.
  return { due, exact: false, next: nextFiring(cronExpression, timezone, due.at(-1) ?? span.after) };
}

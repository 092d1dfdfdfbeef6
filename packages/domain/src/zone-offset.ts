import { CronDate } from 'cron-parser';

const dayMs = 86_400_000;

/** Minutes a zone's clocks are ahead of UTC at an instant. */
export function offsetMinutes(timezone: string, at: Date): number {
  return new CronDate(at, timezone).getUTCOffset();
}

/** The first instants with another offset than before, after `from` and up to `to`, in order, each looked for when it is asked for. Two changes within a day that cancel each other are not seen. */
export function* changesOfClocks(timezone: string, from: Date, to: Date): Generator<Date> {
  let before = from.getTime();
  while (before < to.getTime()) {
    const after = Math.min(before + dayMs, to.getTime());
    if (offsetMinutes(timezone, new Date(before)) !== offsetMinutes(timezone, new Date(after))) {
      yield changeBetween(timezone, before, after);
    }
    before = after;
  }
}

/** Halves the span until the change is found to the millisecond. */
function changeBetween(timezone: string, beforeMs: number, afterMs: number): Date {
  const old = offsetMinutes(timezone, new Date(beforeMs));
  let low = beforeMs;
  let high = afterMs;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMinutes(timezone, new Date(middle)) === old) low = middle;
    else high = middle;
  }
  return new Date(high);
}

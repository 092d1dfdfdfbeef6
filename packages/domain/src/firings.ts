import { type CronExpression, CronExpressionParser } from 'cron-parser';
import { changesOfClocks, offsetMinutes } from './zone-offset.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A leap day on a given weekday comes every 28 years, every 40 across 2100; then there is nothing further back. */
const longestSilenceMs = 41 * 366 * dayMs;

/** A stretch of time. */
export interface Span {
  /** Exclusive. */
  readonly after: Date;
  /** Inclusive. */
  readonly upTo: Date;
}

/**
 * The first firing after `after`, as BullMQ finds it: by a fresh parse from that instant. Null when there is none.
 * When clocks change, a time that is left out fires once, later by as much as was left out, and one that comes twice fires the first time.
 * Only where midnight itself is left out (Santiago, Cairo, Beirut, Havana, the Azores: one night a year), times in that hour do not fire that day.
 * @throws Error for an expression or zone that `checkCron` refuses.
 */
export function nextFiring(expression: string, timezone: string, after: Date): Date | null {
  const found = search(parse(expression, timezone, after));
  if (found) return found;
  // cron-parser walks on the spot where clocks go back by half an hour (Australia/Lord_Howe): go on from the change.
  for (const change of changesOfClocks(timezone, after, new Date(after.getTime() + 400 * dayMs))) {
    const beyond = search(parse(expression, timezone, new Date(change.getTime() - 1)));
    if (beyond && beyond > after) return beyond;
  }
  return null;
}

/** The next `count` firings after `after`, strictly increasing; fewer when there are no more. */
export function nextFirings(expression: string, timezone: string, after: Date, count: number): readonly Date[] {
  const firings: Date[] = [];
  while (firings.length < count) {
    const next = nextFiring(expression, timezone, firings.at(-1) ?? after);
    if (!next) break;
    firings.push(next);
  }
  return firings;
}

/** The last firing before `before`, or null. One that `nextFirings` gives: cron-parser's own way back throws in zones that change clocks at midnight, and fires a repeated hour twice. */
export function previousFiring(expression: string, timezone: string, before: Date): Date | null {
  const upTo = new Date(before.getTime() - 1);
  for (let spanMs = hourMs; ; spanMs *= 4) {
    const after = new Date(before.getTime() - Math.min(spanMs, longestSilenceMs));
    const latest = latestFirings(expression, timezone, { after, upTo }, 1)[0];
    if (latest || spanMs >= longestSilenceMs) return latest ?? null;
  }
}

/** Firings within a span, oldest first, at most `limit` of them. */
export function firingsWithin(expression: string, timezone: string, span: Span, limit: number): readonly Date[] {
  return walkFirings(expression, timezone, span, limit).firings;
}

/** Firings within a span as `firingsWithin` gives them, and the first that is not among them: beyond the span, or beyond the limit; null when there is none. */
export function walkFirings(
  expression: string,
  timezone: string,
  span: Span,
  limit: number,
): { readonly firings: readonly Date[]; readonly next: Date | null } {
  const firings: Date[] = [];
  let at = nextFiring(expression, timezone, settled(timezone, span.after));
  while (at && at <= span.upTo && firings.length < limit) {
    if (at > span.after) firings.push(at);
    at = nextFiring(expression, timezone, at);
  }
  return { firings, next: at };
}

/** The latest `count` firings within a span, oldest first. Bounded in time however many there are: halves the span until a few are left. */
export function latestFirings(expression: string, timezone: string, span: Span, count: number): readonly Date[] {
  const enough = 2 * count;
  let tooEarlyMs = span.after.getTime();
  let tooLateMs = span.upTo.getTime();
  let firings = firingsWithin(expression, timezone, span, enough + 1);
  if (firings.length <= enough) return firings.slice(-count);
  while (tooLateMs - tooEarlyMs > 1) {
    const middleMs = Math.floor((tooEarlyMs + tooLateMs) / 2);
    firings = firingsWithin(expression, timezone, { after: new Date(middleMs), upTo: span.upTo }, enough + 1);
    if (firings.length > enough) tooEarlyMs = middleMs;
    else if (firings.length < count) tooLateMs = middleMs;
    else break;
  }
  return firings.slice(-count);
}

/** Where to begin: in the hours after a change of clocks a fresh parse does not know which firings the change has moved or used up, so before it. */
function settled(timezone: string, after: Date): Date {
  const earlier = new Date(after.getTime() - 3 * hourMs);
  return offsetMinutes(timezone, earlier) === offsetMinutes(timezone, after) ? after : earlier;
}

function parse(expression: string, timezone: string, currentDate: Date): CronExpression {
  return CronExpressionParser.parse(expression, { currentDate, tz: timezone });
}

/** Null where cron-parser gives up, which it says by throwing. */
function search(expression: CronExpression): Date | null {
  try {
    return expression.next().toDate();
  } catch {
    return null;
  }
}

import { median } from 'simple-statistics';
import type { Point } from './point.ts';
import { robustSlope } from './robust-slope.ts';

/** A figure of an object at a moment. */
export interface Reading {
  readonly at: Date;
  readonly value: number;
  /** Of the object's file: another one means that it was rewritten. Null = unknown, or none. */
  readonly filenode: number | null;
}

/** What is asked of a figure. */
export interface ForecastQuestion {
  /** The value at which something has to be done. */
  readonly threshold: number;
  readonly now: Date;
  /** A fall to less than this share of the value before begins anew: a rebuild, a TRUNCATE. Default 0.8. */
  readonly cutBelow?: number;
}

/** How far the same method was off, when it foretold the last third of what is known from the two thirds before. */
export interface BackTest {
  /** Median of |foretold − real| ÷ |real|, in percent. */
  readonly errorPercent: number;
  readonly points: number;
}

export type Forecast =
  /** Plainly: no date is told from too little. */
  | { readonly kind: 'not_enough_data'; readonly readings: number; readonly spanDays: number }
  /** It is there already. */
  | { readonly kind: 'reached'; readonly value: number }
  /** The interval of the slope holds zero, or it goes the other way. */
  | { readonly kind: 'flat'; readonly value: number; readonly perDay: Interval; readonly backTest: BackTest | null }
  /** Later than three times what was watched: nobody can tell. */
  | {
      readonly kind: 'beyond_horizon';
      readonly value: number;
      readonly perDay: Interval;
      readonly horizonDays: number;
      readonly backTest: BackTest | null;
    }
  | {
      readonly kind: 'forecast';
      readonly value: number;
      readonly perDay: Interval;
      /** Days from now until the threshold: `low` is the soonest. `high` null = perhaps not within the horizon. */
      readonly days: { readonly low: number; readonly likely: number; readonly high: number | null };
      readonly horizonDays: number;
      readonly backTest: BackTest | null;
    };

export interface Interval {
  readonly low: number;
  readonly likely: number;
  readonly high: number;
}

const dayMs = 86_400_000;
/** Of postgres-tasks.md, 23. */
const leastReadings = 7;
const leastSpanDays = 3;
const horizonFactor = 3;

/** When a growing figure reaches a threshold, by a robust slope over what was read since the last rewrite; with the error that this method made before. */
export function forecast(readings: readonly Reading[], question: ForecastQuestion): Forecast {
  const points = latestSegment(readings, question.cutBelow ?? 0.8).map(
    ({ at, value }): Point => ({ day: (at.getTime() - question.now.getTime()) / dayMs, value }),
  );
  const first = points[0];
  const last = points.at(-1);
  const spanDays = first === undefined || last === undefined ? 0 : last.day - first.day;
  const line = robustSlope(points);
  if (points.length < leastReadings || spanDays < leastSpanDays || line === undefined || last === undefined) {
    return { kind: 'not_enough_data', readings: points.length, spanDays };
  }
  const value = line.at(0);
  if (last.value >= question.threshold) return { kind: 'reached', value: last.value };
  const perDay = { low: line.low, likely: line.slope, high: line.high };
  const backTest = testBack(points);
  if (line.slope <= 0 || line.low <= 0) return { kind: 'flat', value, perDay, backTest };
  const horizonDays = horizonFactor * spanDays;
  const until = (slope: number): number => Math.max(0, (question.threshold - value) / slope);
  const likely = until(line.slope);
  if (likely > horizonDays) return { kind: 'beyond_horizon', value, perDay, horizonDays, backTest };
  const latest = until(line.low);
  const high = latest > horizonDays ? null : latest;
  return { kind: 'forecast', value, perDay, days: { low: until(line.high), likely, high }, horizonDays, backTest };
}

/** What was read since the last rewrite: its file is another one, or the figure fell by more than can be. */
export function latestSegment(readings: readonly Reading[], cutBelow: number): readonly Reading[] {
  const sorted = readings.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const begin = sorted.findLastIndex((reading, position) => {
    const before = sorted[position - 1];
    if (before === undefined) return true;
    const rewritten = reading.filenode !== null && before.filenode !== null && reading.filenode !== before.filenode;
    return rewritten || reading.value < cutBelow * before.value;
  });
  return sorted.slice(Math.max(begin, 0));
}

/** Null when what is known is too little to be parted. */
function testBack(points: readonly Point[]): BackTest | null {
  const cut = Math.ceil((points.length * 2) / 3);
  const known = points.slice(0, cut);
  const held = points.slice(cut).filter(({ value }) => value !== 0);
  const line = known.length < 4 || held.length === 0 ? undefined : robustSlope(known);
  if (line === undefined) return null;
  const errors = held.map(({ day, value }) => (100 * Math.abs(line.at(day) - value)) / Math.abs(value));
  return { errorPercent: median(errors), points: held.length };
}

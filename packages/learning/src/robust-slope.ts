import { medianSorted } from 'simple-statistics';
import type { Point } from './point.ts';
import { wanderingSpread } from './wandering-spread.ts';

/** A straight line that outliers do not move, with the interval in which its slope lies. */
export interface RobustLine {
  /** Change a day. */
  readonly slope: number;
  /** 90 % interval of the slope. */
  readonly low: number;
  readonly high: number;
  readonly at: (day: number) => number;
}

/** Quantile of the normal distribution for a two-sided interval of 90 %. */
const z90 = 1.6449;
/** All pairs of more points than this cost more than they tell. */
const mostPoints = 200;

/**
 * Theil–Sen: the median of the slopes of all pairs of points (Sen 1968), and Sen's interval by the variance of Kendall's statistic,
 * n(n−1)(2n+5)/18; wider where the points wander instead of lying about a line, which Sen's interval takes them to do. Undefined for fewer than two points of
 * different days. Of more than 200 points every so many are taken, the last among them.
 */
export function robustSlope(points: readonly Point[]): RobustLine | undefined {
  const used = thinned(points);
  const slopes: number[] = [];
  for (const [position, a] of used.entries()) {
    for (const b of used.slice(position + 1)) {
      if (b.day !== a.day) slopes.push((b.value - a.value) / (b.day - a.day));
    }
  }
  if (slopes.length === 0) return undefined;
  slopes.sort((a, b) => a - b);
  const n = used.length;
  const spread = z90 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const slope = medianSorted(slopes);
  const intercept = medianSorted(used.map(({ day, value }) => value - slope * day).sort((a, b) => a - b));
  const wandering = wanderingSpread(
    used.toSorted((a, b) => a.day - b.day),
    slope,
  );
  return {
    slope,
    low: Math.min(ranked(slopes, Math.floor((slopes.length - spread) / 2)), slope - wandering),
    high: Math.max(ranked(slopes, Math.ceil((slopes.length + spread) / 2)), slope + wandering),
    at: (day) => intercept + slope * day,
  };
}

function ranked(sorted: readonly number[], rank: number): number {
  const value = sorted[Math.min(Math.max(rank, 0), sorted.length - 1)];
  if (value === undefined) throw new Error('expected at least one slope');
  return value;
}

function thinned(points: readonly Point[]): readonly Point[] {
  const step = Math.ceil(points.length / mostPoints);
  return points.filter((_, position) => (points.length - 1 - position) % step === 0);
}

import type { Point } from './point.ts';

/** Quantile of the normal distribution for a two-sided interval of 90 %. */
const z90 = 1.6449;
/** Variance of the median slope of a random walk, in parts of that of its mean step; found by simulation, where least squares have 1.2. */
const medianVariance = 1.4;
/** Correlation of steps that follow each other: −0.5 of what lies about a line, 0 of what wanders. From here on it is taken to wander. */
const wandersFrom = -0.25;

/**
 * How far the slope may be off, since a figure such as a size carries on what each step gave by chance, and does not return to its line: half of a 90 % interval,
 * in units a day. 0 for points that lie about the line independently, or fewer than four. `points` ordered by day.
 */
export function wanderingSpread(points: readonly Point[], slope: number): number {
  const first = points[0];
  const last = points.at(-1);
  const steps = points.slice(1).flatMap((point, position) => {
    const before = points[position];
    if (before === undefined || point.day <= before.day) return [];
    const days = point.day - before.day;
    return [(point.value - before.value - slope * days) / Math.sqrt(days)];
  });
  if (first === undefined || last === undefined || steps.length < 3) return 0;
  const variance = sum(steps.map((step) => step * step)) / (steps.length - 1);
  if (variance === 0) return 0;
  const together = sum(steps.slice(1).map((step, position) => step * (steps[position] ?? 0))) / (steps.length - 1);
  const share = (together / variance + 0.5) / (wandersFrom + 0.5);
  const lasting = variance * Math.min(1, Math.max(0, share));
  return t90(steps.length - 1) * Math.sqrt((medianVariance * lasting) / (last.day - first.day));
}

/** Of Student's distribution, by the first term of its expansion. */
function t90(degrees: number): number {
  return z90 * (1 + (z90 ** 2 + 1) / (4 * degrees));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

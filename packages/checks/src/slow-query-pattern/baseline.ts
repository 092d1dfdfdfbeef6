import { executionsBetween, meanMs, rowsPerCall } from './executions.ts';
import type { Look } from './looks.ts';
import type { Counters } from './read.ts';
import type { SlowQueryPatternConfig } from './schema.ts';

/** What is usual of a value: median and median absolute deviation of it between earlier looks. */
export interface Usual {
  readonly median: number;
  readonly deviation: number;
  readonly looks: number;
}

export interface Baseline {
  readonly meanMs: Usual;
  readonly rowsPerCall: Usual;
}

/** `looks` newest first; what was counted between any two that follow each other is one measure. By id. */
export function learnBaselines(
  looks: readonly Look[],
  { min_calls, min_baseline_looks }: SlowQueryPatternConfig,
): ReadonlyMap<string, Baseline> {
  const measures = new Map<string, Counters[]>();
  for (const [index, later] of looks.entries()) {
    const earlier = looks[index + 1];
    if (earlier === undefined || earlier.resetMs !== later.resetMs) continue;
    for (const [id, counters] of executionsBetween(earlier, later).counted) {
      if (counters.calls < min_calls) continue;
      const known = measures.get(id);
      if (known === undefined) measures.set(id, [counters]);
      else known.push(counters);
    }
  }
  return new Map(
    [...measures]
      .filter(([, counted]) => counted.length >= min_baseline_looks)
      .map(([id, counted]) => [
        id,
        { meanMs: usualOf(counted.map(meanMs)), rowsPerCall: usualOf(counted.map(rowsPerCall)) },
      ]),
  );
}

/** More than three deviations above the median, and more than one and a half times it. */
export function isUnusual(value: number, { median, deviation }: Usual): boolean {
  return value > Math.max(median + 3 * deviation, 1.5 * median);
}

function usualOf(values: readonly number[]): Usual {
  const middle = medianOf(values);
  return { median: middle, deviation: medianOf(values.map((value) => Math.abs(value - middle))), looks: values.length };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  return (lower + upper) / 2;
}

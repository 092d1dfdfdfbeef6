import type { Usual } from '@slacktide/domain';
import { executionsBetween, meanMs, rowsPerCall } from './executions.ts';
import type { Look } from './looks.ts';
import type { Counters } from './read.ts';
import type { SlowQueryPatternConfig } from './schema.ts';

/** What is usual of a value between earlier looks. */
export interface UsualBetweenLooks extends Usual {
  readonly looks: number;
}

export interface Baseline {
  readonly meanMs: UsualBetweenLooks;
  readonly rowsPerCall: UsualBetweenLooks;
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

function usualOf(values: readonly number[]): UsualBetweenLooks {
  const middle = medianOf(values);
  return { median: middle, deviation: medianOf(values.map((value) => Math.abs(value - middle))), looks: values.length };
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  return (lower + upper) / 2;
}

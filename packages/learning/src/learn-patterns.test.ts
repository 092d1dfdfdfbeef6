import { describe, expect, it } from 'vitest';
import { learnPatterns, type SeenStatement } from './learn-patterns.ts';

const at = new Date('2026-11-30T00:00:00Z');
const seen = (id: string, windows: readonly [calls: number, meanMs: number][], usualMs?: SeenStatement['usualMs']) => ({
  id,
  windows: windows.map(([calls, meanMs]) => ({ at, calls, meanMs })),
  usualMs,
});
const kindsOf = (...statements: SeenStatement[]) => learnPatterns(statements).map(({ id, kind }) => [id, kind]);

describe('learnPatterns', () => {
  it('is slow from three slow executions on, fast from ten fast ones', () => {
    expect(
      kindsOf(
        seen('twice', [[2, 500]]),
        seen('thrice', [
          [2, 500],
          [1, 200],
        ]),
      ),
    ).toEqual([['thrice', 'slow']]);
    expect(
      kindsOf(
        seen('nine', [[9, 0.5]]),
        seen('ten', [
          [4, 0.5],
          [6, 1],
        ]),
      ),
    ).toEqual([['ten', 'fast']]);
    expect(kindsOf(seen('neither', [[1_000, 20]]))).toEqual([]);
  });

  it('counts a window as slow that is much slower than usual, and not what is merely noisy or still fast', () => {
    const usual = { median: 10, deviation: 1 };
    expect(kindsOf(seen('worse', [[5, 30]], usual))).toEqual([['worse', 'slow']]);
    expect(kindsOf(seen('noisy', [[5, 14]], usual))).toEqual([]);
    expect(kindsOf(seen('still fast', [[5, 0.9]], { median: 0.1, deviation: 0 }))).toEqual([]);
  });

  it('tells how often, and the most time first', () => {
    const patterns = learnPatterns([
      seen('a', [[10, 100]]),
      seen('b', [
        [5, 400],
        [90, 2],
      ]),
    ]);
    expect(patterns).toEqual([
      { id: 'b', kind: 'slow', occurrences: 5, calls: 95, totalMs: 2_180, meanMs: 2_180 / 95 },
      { id: 'a', kind: 'slow', occurrences: 10, calls: 10, totalMs: 1_000, meanMs: 100 },
    ]);
  });
});

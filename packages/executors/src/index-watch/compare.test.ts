import type { BaselineStatement, CountedStatement, WatchBaseline } from '@slacktide/acting';
import { describe, expect, it } from 'vitest';
import { compareCounters } from './compare.ts';
import type { KeptEvidence } from './evidence.ts';

const limits = { minCalls: 20, maxSlowerPercent: 50 };

function statement(queryid: string, calls: number, meanMs: number): BaselineStatement {
  const before: [number, number, number] = [calls, calls * meanMs, calls * meanMs ** 2];
  const told = { statement: 'SELECT $1', calls, mean_ms: meanMs, stddev_ms: 0, rows: 0, window: 'lifetime' } as const;
  return { queryid, ...told, before, standing: before, since_ms: 1_000 };
}

function counted(
  queryid: string,
  calls: number,
  meanMs: number,
  sinceMs: number | null = 1_000,
): [string, CountedStatement] {
  return [queryid, { queryid, calls, totalMs: calls * meanMs, squares: calls * meanMs ** 2, rows: 0, sinceMs }];
}
const baseline: WatchBaseline = { index_oid: 1, reset_ms: 5, statements: [statement('1', 100, 1)], others: [] };
const keep = (kept: ReturnType<typeof compareCounters>, reset_ms: number | null = 5): KeptEvidence => ({
  looks: 1,
  verdict: kept.verdict.verdict,
  known_looks: 1,
  reset_ms,
  tracks: { ...kept.tracks },
});

describe('compareCounters', () => {
  it('judges by what came since the drop alone', () => {
    const first = compareCounters(
      baseline,
      undefined,
      { resetMs: 5, counted: new Map([counted('1', 130, 1)]) },
      limits,
    );
    expect(first.verdict).toMatchObject({ verdict: 'fine', statements: [{ calls: 30, meanMs: 1 }] });
    const slow: [string, CountedStatement] = [
      '1',
      { queryid: '1', calls: 160, totalMs: 130 + 30 * 9, squares: 130 + 30 * 81, rows: 0, sinceMs: 1_000 },
    ];
    const second = compareCounters(baseline, keep(first), { resetMs: 5, counted: new Map([slow]) }, limits);
    expect(second.verdict.statements).toMatchObject([{ calls: 60, meanMs: 5, verdict: 'worse' }]);
  });

  it('goes on after a reset, and after an eviction that the server tells of, with what is counted since', () => {
    const reset = compareCounters(
      baseline,
      undefined,
      { resetMs: 6, counted: new Map([counted('1', 150, 1)]) },
      limits,
    );
    expect(reset.verdict.statements).toMatchObject([{ calls: 150 }]);
    const back = compareCounters(
      baseline,
      undefined,
      { resetMs: 5, counted: new Map([counted('1', 150, 1, 2_000)]) },
      limits,
    );
    expect(back.verdict.statements).toMatchObject([{ calls: 150 }]);
    const fallen = compareCounters(
      baseline,
      undefined,
      { resetMs: 5, counted: new Map([counted('1', 30, 1, null)]) },
      limits,
    );
    expect(fallen.verdict.statements).toMatchObject([{ calls: 30 }]);
  });

  it('knows nothing of a statement that the server forgot, until it comes again', () => {
    const forgotten = compareCounters(baseline, undefined, { resetMs: 5, counted: new Map() }, limits);
    expect(forgotten.verdict.verdict).toBe('unknown');
    const again = compareCounters(
      baseline,
      keep(forgotten),
      { resetMs: 5, counted: new Map([counted('1', 200, 1, null)]) },
      limits,
    );
    expect(again.verdict.statements).toMatchObject([{ calls: 200, verdict: 'fine' }]);
  });
});

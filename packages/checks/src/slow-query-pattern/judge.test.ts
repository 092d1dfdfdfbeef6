import { describe, expect, it } from 'vitest';
import { judgeStatements } from './judge.ts';
import { snapshotOf } from './looks.ts';
import type { Statement, StatementFacts } from './read.ts';
import { checkType, type SlowQueryPatternConfig } from './schema.ts';

type Facts = Extract<StatementFacts, { kind: 'statements' }>;
const hourMs = 3_600_000;
const nowMs = Date.UTC(2026, 10, 30, 12);
const longAgo = nowMs - 1000 * hourMs;

/** `calls` executions of `meanMs` each, with no two alike by `deviationMs`. */
function statement(
  name: string,
  calls: number,
  meanMs: number,
  facts: Partial<Statement> & { deviationMs?: number } = {},
): Statement {
  const { deviationMs = 0, ...others } = facts;
  return {
    key: `10/${name}/1`,
    id: `id-${name}`,
    role: 'app',
    query: `SELECT ${name}`,
    topLevel: true,
    sinceMs: null,
    calls,
    totalMs: calls * meanMs,
    squares: calls * (meanMs ** 2 + deviationMs ** 2),
    rows: calls,
    ...others,
  };
}

function facts(statements: readonly Statement[], others: Partial<Facts> = {}): Facts {
  const source = {
    kind: 'usable',
    schema: 'public',
    columns: [],
    records: true,
    hasInfo: true,
    maxStatements: 5000,
  } as const;
  return {
    kind: 'statements',
    source: { ...source, tracksPlanning: false, seeAllGrant: 'GRANT pg_read_all_stats TO us' },
    nowMs,
    resetMs: longAgo,
    evictions: 0,
    hidden: 0,
    statements: statements.toSorted((a, b) => b.totalMs - a.totalMs),
    ...others,
  };
}

function look(hoursAgo: number, statements: readonly Statement[], others: Partial<Facts> = {}) {
  const atMs = nowMs - hoursAgo * hourMs;
  const values = snapshotOf(facts(statements, { ...others, nowMs: atMs }));
  return { at: new Date(atMs), values: JSON.parse(JSON.stringify(values)) };
}

const judge = (
  latest: StatementFacts,
  earlier: Parameters<typeof judgeStatements>[1] = [],
  config: Partial<SlowQueryPatternConfig> = {},
) => judgeStatements(latest, earlier, checkType.config.parse(config));

describe('slow_query_pattern', () => {
  it.each([
    ['slow, often enough', [3, 100], ['slow']],
    ['slow, but seldom', [2, 1000], []],
    ['fast', [1000, 99], []],
    ['fast on average, slow at times', [20, 50, { deviationMs: 500 }], ['slow_at_times']],
    ['too few executions to tell', [19, 50, { deviationMs: 500 }], []],
  ] as const)('judges by the mean of many executions: %s', (_, [calls, meanMs, others], reasons) => {
    const { findings } = judge(facts([statement('x', calls, meanMs, others)]), [look(3, [])], {
      min_time_share: 1,
      min_total_seconds: 100,
    });
    expect(findings.flatMap(({ evidence }) => evidence['reasons'])).toEqual(reasons);
  });

  it('counts between two looks, not since the counters began', () => {
    const [before, after] = [statement('x', 1000, 500), statement('x', 1010, 500 * (1000 / 1010))];
    expect(judge(facts([after]), [look(3, [before])]).findings).toEqual([]);
    const slower = {
      ...before,
      calls: 1010,
      totalMs: before.totalMs + 10 * 200,
      squares: before.squares + 10 * 200 ** 2,
      rows: 1050,
    };
    expect(judge(facts([slower]), [look(3, [before])]).findings).toMatchObject([
      {
        fingerprint: 'statement:id-x',
        severity: 'info',
        object: { kind: 'statement', name: 'id-x' },
        summary: 'A statement of app took 200 ms on average, 10 times: SELECT x',
        evidence: { calls: 10, mean_ms: 200, p95_ms: 200, rows_per_call: 5, time_share: 1, query_id: 'x' },
        action: null,
      },
    ]);
  });

  it('takes what is left after a reset or an eviction for new', () => {
    const now = statement('x', 5, 200);
    const thenMore = look(3, [statement('x', 1000, 1)]);
    expect(judge(facts([now]), [thenMore]).findings).toMatchObject([{ evidence: { calls: 5 } }]);
    // As many calls as before, but the row began since: 17 tells.
    const again = statement('x', 1000, 200, { sinceMs: nowMs - hourMs });
    expect(judge(facts([again]), [thenMore]).findings).toMatchObject([{ evidence: { calls: 1000 } }]);
    const reset = judge(facts([again], { resetMs: nowMs - hourMs }), [thenMore]);
    expect(reset.findings).toMatchObject([{ evidence: { calls: 1000, since: '2026-11-30T11:00:00.000Z' } }]);
  });

  it('knows at the first look what began within the window', () => {
    const slow = statement('x', 5, 200);
    expect(judge(facts([slow])).unknown).toMatchObject([{ reason: 'no earlier look to compare with' }]);
    expect(judge(facts([slow]))).toMatchObject({ unjudged: 'all', checked: 0, snapshot: expect.any(Object) });
    expect(judge(facts([slow], { resetMs: nowMs - hourMs })).findings).toHaveLength(1);
    const old = statement('old', 5, 200, { sinceMs: longAgo });
    const report = judge(facts([statement('new', 5, 200, { sinceMs: nowMs - hourMs }), old]));
    expect(report.findings).toMatchObject([{ fingerprint: 'statement:id-new' }]);
    expect(report).toMatchObject({
      unjudged: ['id-old'],
      unknown: [{ object: 'statements counted since before the window' }],
    });
  });

  it('does not guess about statements that an earlier look had no room for', () => {
    const many = Array.from({ length: 301 }, (_, index) => statement(`s${index}`, 1000, 300 - index / 2));
    const report = judge(facts(many), [look(3, many)]);
    expect(report).toMatchObject({ checked: 0, findings: [], unjudged: ['id-s300'] });
  });

  it('adds up rows with the same text, whose query ids differ', () => {
    const again = statement('y', 2, 300, { id: 'id-x', key: '10/y/1' });
    expect(judge(facts([statement('x', 2, 100), again]), [look(3, [])]).findings).toMatchObject([
      { evidence: { calls: 4, mean_ms: 200 } },
    ]);
  });

  it('names what takes much of the time, and warns where that is slow as well', () => {
    const statements = [statement('often', 1_000_000, 0.3), statement('slow', 1000, 300), statement('rest', 1000, 1)];
    const { findings, figures } = judge(facts(statements), [look(3, [])]);
    expect(findings.map(({ severity, evidence }) => [severity, evidence['reasons']])).toEqual([
      ['info', ['much_of_the_time']],
      ['warning', ['slow', 'much_of_the_time']],
    ]);
    expect(figures).toMatchObject({ slow_patterns: 1, fast_patterns: 2, statements: 3, most_called_share: 0.998 });
    // Within a function is within the time of whoever calls it.
    const nested = statement('inner', 1000, 300, { topLevel: false });
    const [first] = judge(facts([statement('outer', 1000, 300), nested]), [look(3, [])]).findings;
    expect(first?.evidence['time_share']).toBe(1);
  });

  it('shows no constants that pg_stat_statements left in the text', () => {
    const query = `SELECT "it's", 'O''Brien' FROM t WHERE a = $1 AND b = 'cut off`;
    const [finding] = judge(facts([statement('x', 5, 200, { query })]), [look(3, [])]).findings;
    expect(finding?.evidence['query']).toBe(`SELECT "it's", ? FROM t WHERE a = $1 AND b = ?`);
  });

  it('says what it cannot see', () => {
    const then = look(3, [statement('x', 1, 1), statement('theirs', 1, 1)], { evictions: 2 });
    expect(judge(facts([statement('x', 2, 1)], { hidden: 4, evictions: 9 }), [then])).toMatchObject({
      unknown: [
        { object: 'statements of other roles', grant: 'GRANT pg_read_all_stats TO us' },
        { object: 'evicted statements', reason: expect.stringMatching(/evicted 7 times.*\(5000\)/) },
      ],
      unjudged: ['id-theirs'],
    });
    const reason = 'pg_stat_statements is not loaded';
    expect(judge({ kind: 'unusable', reason, grant: 'CREATE EXTENSION pg_stat_statements' })).toMatchObject({
      checked: 0,
      unjudged: 'all',
      unknown: [{ object: 'pg_stat_statements', reason, grant: 'CREATE EXTENSION pg_stat_statements' }],
    });
  });
});

describe('slow_query_pattern: what is usual', () => {
  /** Looks an hour apart, between which 100 executions took so long each and returned so many rows; then the same for the present. */
  function history(means: readonly number[], last: number, rowsPerCall: readonly number[] = [], lastRows = 1) {
    let total = statement('x', 100, 1, { squares: 0 });
    const earlier = [look(means.length, [total])];
    for (const [index, mean] of [...means, last].entries()) {
      const rows = index === means.length ? lastRows : (rowsPerCall[index] ?? 1);
      total = {
        ...total,
        calls: total.calls + 100,
        totalMs: total.totalMs + 100 * mean,
        rows: total.rows + 100 * rows,
      };
      if (index < means.length) earlier.unshift(look(means.length - index - 0.5, [total]));
    }
    return judge(facts([total]), earlier, { min_mean_ms: 1_000_000 }).findings;
  }

  it('finds what became slower than its median by more than three deviations and half as much again', () => {
    expect(history([10, 11, 10, 9, 10], 16)).toMatchObject([
      {
        severity: 'warning',
        summary: 'A statement of app took 16 ms on average lately, 10 ms before: SELECT x',
        evidence: { reasons: ['slower_than_usual'], usual_mean_ms: { median: 10, deviation: 0, looks: 5 } },
      },
    ]);
    expect(history([10, 11, 10, 9, 10], 15)).toEqual([]);
    expect(history([2, 10, 18, 10, 26], 30)).toEqual([]);
    expect(history([2, 10, 18, 10, 26], 35)).toHaveLength(1);
  });

  it('learns from five measures, not from four, and finds no change that nobody would notice', () => {
    expect(history([10, 10, 10, 10], 50)).toEqual([]);
    expect(history([0.1, 0.1, 0.1, 0.1, 0.1], 1)).toEqual([]);
  });

  it('finds what returns many more rows than usual', () => {
    expect(history([1, 1, 1, 1, 1], 1, [100, 100, 100, 100, 100], 1000)).toMatchObject([
      { severity: 'info', evidence: { reasons: ['more_rows_than_usual'], usual_rows_per_call: { median: 100 } } },
    ]);
    expect(history([1, 1, 1, 1, 1], 1, [1, 1, 1, 1, 1], 50)).toEqual([]);
  });
});

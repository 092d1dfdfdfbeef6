import { describe, expect, it } from 'vitest';
import { judgeStaleStatistics } from './judge.ts';
import type { StatisticsFacts, TableFacts } from './read.ts';
import { checkType, type StaleStatisticsConfig } from './schema.ts';

let nextOid = 16_384;
function table(name: string, facts: Partial<TableFacts> = {}): TableFacts {
  nextOid += 1;
  return {
    oid: nextOid,
    schema: 'public',
    name,
    quoted: `public.${name}`,
    relkind: 'r',
    ancestors: [],
    hasForeign: false,
    locked: false,
    sizeBytes: 20 * 1024 ** 2,
    liveRows: 1000,
    insertedRows: 1000,
    modifiedRows: 0,
    reltuples: 1000,
    hoursSinceAnalyze: 5,
    hoursSinceAutoanalyze: null,
    statistics: 'not_looked_up',
    grant: null,
    threshold: null,
    scaleFactor: null,
    autovacuumOff: false,
    ...facts,
  };
}

function judge(
  tables: readonly TableFacts[],
  config: Partial<StaleStatisticsConfig> = {},
  facts: Partial<StatisticsFacts> = {},
) {
  const server = { serverVersion: 180004, inRecovery: false, tracksCounts: true, autovacuum: true };
  return judgeStaleStatistics(
    { ...server, threshold: 50, scaleFactor: 0.1, tables, ...facts },
    checkType.config.parse(config),
  );
}
const names = (report: ReturnType<typeof judge>): string[] => report.findings.map(({ object }) => object.name);
const never = { hoursSinceAnalyze: null, statistics: 'absent' } as const;

describe('stale_statistics', () => {
  it.each([
    ['never analysed, with rows', never, 'never_analyzed'],
    ['never analysed, only vacuumed', { ...never, reltuples: 1000, liveRows: 0 }, 'never_analyzed'],
    ['never analysed, empty', { ...never, liveRows: 0, reltuples: 0 }, undefined],
    ['never analysed, all rows deleted', { ...never, liveRows: 0, reltuples: -1 }, undefined],
    ['counters lost, nobody looked', { ...never, liveRows: 0, insertedRows: 0, reltuples: -1 }, 'never_analyzed'],
    ['counters lost, statistics there', { hoursSinceAnalyze: null, statistics: 'present' }, undefined],
    [
      'counters lost, statistics there, changed',
      { hoursSinceAnalyze: null, statistics: 'present', modifiedRows: 151 },
      'changed',
    ],
    [
      'statistics hidden, never vacuumed',
      { hoursSinceAnalyze: null, statistics: 'hidden', reltuples: -1 },
      'never_analyzed',
    ],
    ['statistics hidden, reltuples set', { hoursSinceAnalyze: null, statistics: 'hidden' }, undefined],
    ['statistics hidden, changed', { hoursSinceAnalyze: null, statistics: 'hidden', modifiedRows: 151 }, 'changed'],
    ['changed by as much as is tolerated', { modifiedRows: 150 }, undefined],
    ['changed by one row more', { modifiedRows: 151 }, 'changed'],
    ['reltuples unknown counts as none', { modifiedRows: 51, reltuples: -1 }, 'changed'],
    ['stricter by its own options', { modifiedRows: 31, threshold: 10, scaleFactor: 0.02 }, 'changed'],
    ['more tolerant by its own options', { modifiedRows: 999, threshold: 0, scaleFactor: 1 }, undefined],
    ['old, and one row changed', { hoursSinceAnalyze: 24, modifiedRows: 1 }, 'stale'],
    ['old, and nothing changed', { hoursSinceAnalyze: 2400 }, undefined],
    ['not yet old', { hoursSinceAnalyze: 23.9, modifiedRows: 150 }, undefined],
    ['too small', { ...never, sizeBytes: 10 * 1024 ** 2 - 1 }, undefined],
    ['locked', { ...never, locked: true, sizeBytes: null }, undefined],
  ] as const)('decides: %s', (_, facts, reason) => {
    expect(judge([table('t', facts)]).findings[0]?.evidence['reason']).toBe(reason);
  });

  it('counts what it judged, left out and could not see', () => {
    const report = judge([
      table('fresh'),
      table('due', never),
      table('small', { sizeBytes: 1 }),
      table('empty', { liveRows: 0, reltuples: 0 }),
      table('locked', { locked: true }),
      table('lost', { hoursSinceAnalyze: null, statistics: 'present' }),
      table('hidden', { hoursSinceAnalyze: null, statistics: 'hidden', grant: 'GRANT SELECT …' }),
    ]);
    expect(report).toMatchObject({
      checked: 2,
      skipped: [
        { object: 'public.small', reason: 'smaller than 10 MiB (min_table_size_mb)' },
        { object: 'public.empty', reason: 'empty' },
      ],
      unknown: [
        { object: 'public.locked', reason: 'locked', grant: null },
        { object: 'public.lost', reason: expect.stringContaining('counters were lost') },
        { object: 'public.hidden', grant: 'GRANT SELECT …' },
      ],
      figures: { stale_tables_found: 1, tables_analyzed: 0, success: true, never_analyzed: 1 },
    });
  });

  it('orders by never analysed, how far over the limit, name; and marks as many as one run may take', () => {
    const report = judge(
      [
        table('b', { modifiedRows: 300 }),
        table('a', { modifiedRows: 300 }),
        table('most', { modifiedRows: 900 }),
        table('never', never),
      ],
      { max_tables: 2 },
    );
    expect(names(report)).toEqual(['never', 'most', 'a', 'b']);
    expect(report.findings.map(({ evidence }) => evidence['in_this_run'])).toEqual([true, true, false, false]);
    expect(report.figures).toMatchObject({ stale_tables_found: 4, tables_in_this_run: 2 });
  });

  it('knows nothing where nobody counts', () => {
    expect(judge([], {}, { tracksCounts: false })).toMatchObject({
      unjudged: 'all',
      unknown: [{ object: 'counters' }],
      figures: { success: false },
    });
  });

  it('proposes nothing on a standby, which counts no changes', () => {
    const tables = [table('t', never), table('analysed', { hoursSinceAnalyze: null, statistics: 'present' })];
    const { findings, unknown } = judge(tables, {}, { inRecovery: true });
    expect(findings).toMatchObject([{ action: null, evidence: { no_action_because: expect.any(String) } }]);
    expect(unknown).toMatchObject([{ object: 'public.analysed', reason: expect.stringContaining('standby') }]);
  });
});

describe('stale_statistics of partitioned tables', () => {
  const parent = (facts: Partial<TableFacts> = {}): TableFacts =>
    table('parent', { relkind: 'p', sizeBytes: null, liveRows: 0, reltuples: 1000, ...facts });
  const leafOf = (above: TableFacts, facts: Partial<TableFacts> = {}): TableFacts =>
    table('leaf', { ancestors: [above.oid], ...facts });

  it.each([
    ['never analysed, leaves were', { hoursSinceAnalyze: null, reltuples: -1 }, {}, 'never_analyzed'],
    ['analysed while it was empty', { reltuples: 0 }, {}, 'never_analyzed'],
    ['no rows in any leaf', { hoursSinceAnalyze: null, reltuples: -1 }, { liveRows: 0, reltuples: 0 }, undefined],
    ['as it was', {}, {}, undefined],
    ['changes in the leaf', {}, { modifiedRows: 151, scaleFactor: 1 }, 'changed'],
    [
      'the leaf was analysed for its changes since',
      { hoursSinceAnalyze: 9 },
      { hoursSinceAutoanalyze: 2, threshold: 200 },
      'changed',
    ],
    ['the leaf was analysed together with it', { hoursSinceAnalyze: 9 }, { hoursSinceAnalyze: 8.9 }, undefined],
    ['more rows than at its ANALYZE', { reltuples: 500 }, {}, 'changed'],
    ['old, with a change', { hoursSinceAnalyze: 30 }, { hoursSinceAnalyze: 29, modifiedRows: 1 }, 'stale'],
    ['leaves together too small', { reltuples: -1 }, { sizeBytes: 1 }, undefined],
    ['a leaf is locked', { reltuples: -1 }, { locked: true }, undefined],
  ] as const)('decides: %s', (_, parentFacts, leafFacts, reason) => {
    const above = parent(parentFacts);
    const report = judge([above, leafOf(above, leafFacts)]);
    expect(report.findings.find(({ object }) => object.name === 'parent')?.evidence['reason']).toBe(reason);
  });

  it.each([
    [140000, true, 'ANALYZE public.parent'],
    [180000, true, 'ANALYZE public.parent'],
    [140000, false, 'ANALYZE public.parent'],
    [180000, false, 'ANALYZE ONLY public.parent'],
  ])('reports the topmost, and with it the partitions that are due: %i, %s', (serverVersion, leafDue, statement) => {
    const above = parent({ reltuples: -1 });
    const report = judge([above, leafOf(above, leafDue ? never : {})], {}, { serverVersion });
    expect(report.findings).toMatchObject([
      {
        fingerprint: 'table:public.parent',
        evidence: { due_partitions: leafDue ? 1 : 0, due_partition_names: leafDue ? ['public.leaf'] : [] },
        action: { sql: [statement], class: 'idempotent', lockMode: 'SHARE UPDATE EXCLUSIVE' },
      },
    ]);
    expect(report.skipped).toEqual(leafDue ? [{ object: 'public.leaf', reason: 'counted with public.parent' }] : []);
    expect(report.checked).toBe(2);
  });

  it('reports a leaf alone where its parent is not due', () => {
    const above = parent();
    expect(judge([above, leafOf(above, { modifiedRows: 50, threshold: 0, scaleFactor: 0 })]).findings).toMatchObject([
      { fingerprint: 'table:public.leaf', action: { sql: ['ANALYZE public.leaf'] } },
    ]);
  });

  it('looks below inheritance parents too, which are analysed without their children', () => {
    const above = table('base', { sizeBytes: 0, liveRows: 0, reltuples: 0, ...never });
    const report = judge([above, table('child', { ancestors: [above.oid], ...never })]);
    expect(report.findings.map(({ action }) => action?.sql)).toEqual([
      ['ANALYZE ONLY public.base'],
      ['ANALYZE public.child'],
    ]);
  });

  it('proposes nothing where ANALYZE would read a foreign table on its server', () => {
    const [finding] = judge([table('base', { hasForeign: true, ...never })]).findings;
    expect(finding).toMatchObject({
      action: null,
      evidence: { no_action_because: expect.stringMatching(/foreign table/) },
    });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StatisticsFacts, TableStatistics } from './facts.ts';
import { planStatistics } from './plan.ts';
import { type StatisticsUpdateConfig, taskType } from './schema.ts';

let nextOid = 0;
function table(name: string, facts: Partial<TableStatistics> = {}): TableStatistics {
  nextOid += 1;
  return {
    oid: 16_384 + nextOid,
    schema: 'public',
    name,
    quoted: `public.${name}`,
    relkind: 'r',
    ancestors: [],
    sizeBytes: 8_192_000,
    liveRows: 1000,
    modifiedRows: 0,
    reltuples: 1000,
    hoursSinceAnalyze: 5,
    hoursSinceAutoanalyze: null,
    threshold: null,
    scaleFactor: null,
    permitted: true,
    grant: null,
    meanSeconds: null,
    locked: false,
    ...facts,
  };
}

function plan(
  tables: readonly TableStatistics[],
  config: Partial<StatisticsUpdateConfig> = {},
  facts: Partial<StatisticsFacts> = {},
) {
  const server = { serverVersion: 180004, named: false, threshold: 50, scaleFactor: 0.1, sampledBytes: 245_760_000 };
  return planStatistics({ ...server, tables, ...facts }, taskType.config.parse(config));
}
const keys = (made: ReturnType<typeof plan>): string[] => made.steps.map(({ object }) => object.name);

describe('planStatistics', () => {
  it.each([
    ['never analyzed, with rows', { hoursSinceAnalyze: null }, 'never_analyzed'],
    ['never analyzed, empty', { hoursSinceAnalyze: null, liveRows: 0 }, undefined],
    ['changed by as much as is tolerated', { modifiedRows: 150 }, undefined],
    ['changed by one row more', { modifiedRows: 151 }, 'changed'],
    ['reltuples unknown counts as none', { modifiedRows: 51, reltuples: -1 }, 'changed'],
    ['stricter by its own options', { modifiedRows: 31, threshold: 10, scaleFactor: 0.02 }, 'changed'],
    ['more tolerant by its own options', { modifiedRows: 999, threshold: 0, scaleFactor: 1 }, undefined],
  ] as const)('decides by the rule of autovacuum: %s', (_, facts, reason) => {
    expect(plan([table('t', facts)]).steps[0]?.data['reason']).toBe(reason);
  });

  it('lets the configuration override what the table and the server say', () => {
    const tables = [table('t', { modifiedRows: 21, threshold: 1000, scaleFactor: 1 })];
    expect(keys(plan(tables))).toEqual([]);
    expect(keys(plan(tables, { modified_rows: 10, modified_percent: 1 }))).toEqual(['t']);
  });

  it('takes age for a reason only when asked, and only when something changed', () => {
    const tables = [table('old', { hoursSinceAnalyze: 30, modifiedRows: 1 }), table('same', { hoursSinceAnalyze: 30 })];
    expect(keys(plan(tables))).toEqual([]);
    expect(plan(tables, { stale_threshold_hours: 24 }).steps).toMatchObject([
      { key: 'public.old', data: { reason: 'stale' } },
    ]);
  });

  it('leaves small tables alone when told to, but not those of unknown size', () => {
    const never = { hoursSinceAnalyze: null };
    const tables = [
      table('small', never),
      table('large', { ...never, sizeBytes: 11 * 1024 ** 2 }),
      table('locked', { ...never, sizeBytes: null }),
    ];
    expect(keys(plan(tables, { min_table_size_mb: 10 }))).toEqual(['large', 'locked']);
  });

  it('orders by never analyzed, how far over the limit, name; locked tables last; and stops at max_tables', () => {
    const tables = [
      table('b', { modifiedRows: 300 }),
      table('a', { modifiedRows: 300 }),
      table('worst', { modifiedRows: 900 }),
      table('never', { hoursSinceAnalyze: null }),
      table('busy', { hoursSinceAnalyze: null, locked: true }),
    ];
    expect(keys(plan(tables))).toEqual(['never', 'worst', 'a', 'b', 'busy']);
    const limited = plan(tables, { max_tables: 3 });
    expect(keys(limited)).toEqual(['never', 'worst', 'a']);
    expect(limited.skipped).toEqual([
      { object: 'public.b', reason: 'over_max_tables' },
      { object: 'public.busy', reason: 'over_max_tables' },
    ]);
  });

  it('does not attempt what the role may not do, unless it was asked for by name', () => {
    const closed = table('closed', { hoursSinceAnalyze: null, permitted: false, grant: 'GRANT …' });
    const unknown = [{ object: 'public.closed', reason: 'insufficient_privilege', grant: 'GRANT …' }];
    expect(plan([closed])).toMatchObject({ steps: [], unknown });
    expect(plan([closed], {}, { named: true })).toMatchObject({ steps: [{ key: 'public.closed' }], unknown });
  });

  it('works on all named tables in their order, due or not, however many', () => {
    const named = Array.from({ length: 12 }, (_, i) => table(`t${11 - i}`));
    const made = plan(named, { max_tables: 1 }, { named: true });
    expect(keys(made)).toEqual(named.map(({ name }) => name));
    expect(made.steps[0]?.data['reason']).toBe('named');
  });

  describe('partitioned tables', () => {
    const tree = (parent: Partial<TableStatistics>, ...leaves: Partial<TableStatistics>[]): TableStatistics[] => {
      const top = table('parent', { relkind: 'p', sizeBytes: null, liveRows: 0, reltuples: 2000, ...parent });
      return [top, ...leaves.map((leaf, i) => table(`leaf${i}`, { ancestors: [top.oid], ...leaf }))];
    };

    it.each([
      ['never analyzed, leaves with rows', tree({ reltuples: -1, hoursSinceAnalyze: null }, {}), 'never_analyzed'],
      ['analyzed when it was empty', tree({ reltuples: 0 }, {}), 'never_analyzed'],
      [
        'never analyzed, leaves empty',
        tree({ reltuples: -1, hoursSinceAnalyze: null }, { liveRows: 0, reltuples: 0 }),
        undefined,
      ],
      ['up to date', tree({}, {}, {}), undefined],
      ['its leaves changed together', tree({}, { modifiedRows: 140 }, { modifiedRows: 140 }), 'changed'],
      ['a leaf was filled and analyzed since', tree({}, { reltuples: 5000, liveRows: 5000 }), 'changed'],
      [
        'autovacuum found leaves changed since',
        tree({}, { hoursSinceAutoanalyze: 1 }, { hoursSinceAutoanalyze: 1 }),
        'changed',
      ],
      [
        'its leaves were analyzed along with it',
        tree({ hoursSinceAnalyze: 5 }, { hoursSinceAnalyze: 4.9 }, { hoursSinceAnalyze: 4.8 }),
        undefined,
      ],
      [
        'its leaves were analyzed by themselves much later',
        tree({ hoursSinceAnalyze: 60 }, { hoursSinceAnalyze: 2 }, { hoursSinceAnalyze: 2 }),
        'changed',
      ],
    ] as const)('%s', (_, tables, reason) => {
      expect(plan(tables).steps.find(({ object }) => object.name === 'parent')?.data['reason']).toBe(reason);
    });

    it('includes the leaves before 18, and spares them from 18 on', () => {
      const tables = tree({ reltuples: -1, hoursSinceAnalyze: null }, { hoursSinceAnalyze: null }, {});
      const before = plan(tables, {}, { serverVersion: 170010 });
      expect(before.steps.flatMap(({ statements }) => statements)).toEqual(['ANALYZE public.parent']);
      expect(before.skipped).toEqual([{ object: 'public.leaf0', reason: 'covered_by public.parent' }]);
      const since = plan(tables);
      expect(since.steps.flatMap(({ statements }) => statements)).toEqual([
        'ANALYZE public.leaf0',
        'ANALYZE ONLY public.parent',
      ]);
      expect(plan(tables, {}, { named: true }).steps[0]?.statements).toEqual(['ANALYZE public.parent']);
    });
  });

  it('estimates by what the server has seen, else by the sample it must read', () => {
    const seconds = (facts: Partial<TableStatistics>) =>
      plan([table('t', { hoursSinceAnalyze: null, ...facts })]).steps[0]?.expectedSeconds;
    expect(seconds({ meanSeconds: 3.2, sizeBytes: 1e12 })).toBe(4);
    expect(seconds({ sizeBytes: 100 * 1024 ** 2 })).toBe(2);
    expect(seconds({ sizeBytes: 1e12 })).toBe(5);
    expect(seconds({ sizeBytes: null })).toBeNull();
  });

  it('loses no due table: each is a step, skipped with a reason, or unknown', () => {
    const arbitrary = fc.record({
      hoursSinceAnalyze: fc.option(fc.constantFrom(1, 100)),
      modifiedRows: fc.constantFrom(0, 100, 1000),
      permitted: fc.boolean(),
      locked: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(arbitrary, { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), (all, max_tables) => {
        const tables = all.map((facts, i) => table(`t${i}`, facts));
        const made = plan(tables, { max_tables });
        const due = tables.filter(
          ({ hoursSinceAnalyze, modifiedRows }) => hoursSinceAnalyze === null || modifiedRows > 150,
        );
        const said = [
          ...made.steps.map(({ key }) => key),
          ...made.skipped.map(({ object }) => object),
          ...made.unknown.map(({ object }) => object),
        ];
        expect(said.sort()).toEqual(due.map(({ quoted }) => quoted).sort());
        expect(made.steps.length).toBeLessThanOrEqual(max_tables);
        expect(made.checked).toBe(tables.length);
      }),
    );
  });
});

import type { NodeUsage } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { indexDefinition } from '../../test/index-definition.ts';
import type { IndexDefinition, KeyElement } from '../catalogue/index-definitions.ts';
import { judgeUnusedIndexes, type UnusedIndexFacts } from './judge.ts';
import type { ForeignKey } from './read.ts';
import { checkType } from './schema.ts';

const config = checkType.config.parse({});
const now = new Date('2026-11-30T12:00:00Z');
const daysAgo = (days: number): Date => new Date(now.getTime() - days * 24 * 3_600_000);
const node = (name: string, watchedDays: number, scans = 0, silentDays = 0): NodeUsage => ({
  node: name,
  observedSince: daysAgo(watchedDays),
  lastSampledAt: daysAgo(silentDays),
  scans,
});
const index = (
  given: Partial<IndexDefinition> & Pick<IndexDefinition, 'name'>,
  ...columns: number[]
): IndexDefinition =>
  indexDefinition({ oid: 1, ...given }, ...columns.map((column): Partial<KeyElement> => ({ column })));

const judge = (
  given: Partial<UnusedIndexFacts> & { observed?: readonly (readonly [number, readonly NodeUsage[]])[] },
) =>
  judgeUnusedIndexes(
    {
      indexes: [index({ name: 'a' })],
      foreignKeys: [],
      countsScans: true,
      countersResetAt: null,
      nodes: ['primary'],
      use: {
        kind: 'samples',
        days: 7,
        now,
        usage: (given.observed ?? []).map(([oid, nodes]) => ({ oid, nodes })),
      },
      ...given,
    },
    config,
  );
const unknown = (reason: string) => ({
  checked: 0,
  findings: [],
  unknown: [{ object: 'public.a', reason, grant: null }],
});

describe('use by samples', () => {
  it('calls unused what no node used in the whole window', () => {
    const report = judge({ nodes: ['primary', 's1'], observed: [[1, [node('primary', 7), node('s1', 30)]]] });
    expect(report).toMatchObject({
      checked: 1,
      unknown: [],
      findings: [
        {
          fingerprint: 'index:public.a',
          severity: 'warning',
          evidence: { use: 'unused', nodes: [{ observed_days: 7 }, { observed_days: 30 }] },
          action: { sql: ['DROP INDEX CONCURRENTLY public.a'], class: 'never_retry' },
        },
      ],
    });
  });

  it.each<[string, string[], NodeUsage[]]>([
    ['the primary was not sampled', ['primary'], []],
    ['standby s1 was not sampled', ['primary', 's1'], [node('primary', 9)]],
    ['observed for 2.1 of 7 days', ['primary'], [node('primary', 2.1)]],
    ['observed for 6.9 of 7 days', ['primary'], [node('primary', 6.999)]],
    ['observed for 3 of 7 days on standby s1', ['primary', 's1'], [node('primary', 9), node('s1', 3)]],
    ['the primary was last sampled at 2026-11-28T12:00:00.000Z', ['primary'], [node('primary', 40, 0, 2)]],
  ])('does not know when %s', (reason, nodes, usage) => {
    expect(judge({ nodes, observed: [[1, usage]] })).toMatchObject(unknown(reason));
  });

  it('takes what one node uses for used, however little is known of the others', () => {
    expect(judge({ nodes: ['primary', 's1'], observed: [[1, [node('s1', 1, 10)]]] })).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [],
    });
  });

  it('sums the scans of all nodes, and offers no drop of what is used a little', () => {
    const indexes = [index({ name: 'a', scans: 5, indexWrites: 1000 })];
    const observed = [[1, [node('primary', 7, 2), node('s1', 7, 7)]]] as const;
    expect(judge({ indexes, nodes: ['primary', 's1'], observed })).toMatchObject({
      findings: [
        {
          severity: 'info',
          evidence: { use: 'low_use', scans: 9, scans_per_write: 0.005, no_action_because: expect.any(String) },
          action: null,
        },
      ],
    });
  });

  it('believes the server when it remembers a scan within the window', () => {
    const observed = [[1, [node('primary', 9)]]] as const;
    const findingsWith = (lastScanAt: Date) =>
      judge({ indexes: [index({ name: 'a', lastScanAt })], observed }).findings;
    expect(findingsWith(daysAgo(6))).toEqual([]);
    expect(findingsWith(daysAgo(8))).toMatchObject([{ evidence: { last_scan_at: daysAgo(8).toISOString() } }]);
  });

  it('judges a partition tree as one, and wants each part to have been watched', () => {
    const indexes = [
      index({ name: 'root', oid: 1, partitioned: true, drop: 'DROP INDEX public.root' }),
      index({ name: 'leaf_1', oid: 2, parentOid: 1, tableOid: 2 }),
      index({ name: 'leaf_2', oid: 3, parentOid: 1, tableOid: 3 }),
    ];
    const of = (second: NodeUsage) =>
      judge({
        indexes,
        observed: [
          [2, [node('primary', 9)]],
          [3, [second]],
        ],
      });
    expect(of(node('primary', 9)).findings).toMatchObject([
      { object: { name: 'root' }, evidence: { parts: 2 }, action: { sql: ['DROP INDEX public.root'] } },
    ]);
    expect(of(node('primary', 9, 50))).toMatchObject({ checked: 1, findings: [] });
    expect(of(node('primary', 1)).unknown).toMatchObject([
      { object: 'public.root', reason: 'public.leaf_2: observed for 1 of 7 days' },
    ]);
  });

  it('knows nothing where scans are not counted, or a lock is in the way', () => {
    const observed = [[1, [node('primary', 9)]]] as const;
    expect(judge({ countsScans: false, observed })).toMatchObject(
      unknown('track_counts is off: the server counts no scans'),
    );
    expect(judge({ indexes: [index({ name: 'a', locked: true })] })).toMatchObject(unknown('locked'));
  });
});

describe('what a foreign key needs', () => {
  const foreignKey = (...columns: number[]): ForeignKey => ({
    name: 'fk',
    tableOid: 1,
    period: false,
    columns: columns.map((column) => ({ column, collation: 0, notNull: `(c${column} IS NOT NULL)` })),
  });
  const verdicts = (foreignKeys: ForeignKey[], ...indexes: IndexDefinition[]) => {
    const report = judge({
      foreignKeys,
      indexes,
      observed: indexes.map(({ oid }) => [oid, [node('primary', 9)]] as const),
    });
    return {
      unused: report.findings.map(({ object }) => object.name),
      kept: report.skipped.map(({ object }) => object.replace('public.', '')),
    };
  };

  it.each<[string, ForeignKey, IndexDefinition]>([
    ['leads with its column', foreignKey(1), index({ name: 'a' }, 1, 2)],
    ['has its columns in another order', foreignKey(1, 2), index({ name: 'a' }, 2, 1)],
    ['has some of its columns, and nothing has more', foreignKey(1, 2), index({ name: 'a' }, 2, 3)],
    ['is a hash', foreignKey(1), index({ name: 'a', method: 'hash' }, 1)],
    ['leaves out NULLs only', foreignKey(1), index({ name: 'a', predicate: '(c1 IS NOT NULL)' }, 1)],
    [
      'leaves out NULLs of two columns',
      foreignKey(1, 2),
      index({ name: 'a', predicate: '((c1 IS NOT NULL) AND (c2 IS NOT NULL))' }, 1, 2),
    ],
    ['is a GiST for a key with PERIOD', { ...foreignKey(1), period: true }, index({ name: 'a', method: 'gist' }, 1)],
  ])('is kept when it %s', (_, key, only) => {
    expect(verdicts([key], only)).toEqual({ unused: [], kept: ['a'] });
  });

  it.each<[string, IndexDefinition]>([
    ['leads with another column', index({ name: 'a' }, 2, 1)],
    ['is a BRIN', index({ name: 'a', method: 'brin' }, 1)],
    ['leaves out rows', index({ name: 'a', predicate: '(c1 > 0)' }, 1)],
    ['sorts by another collation', indexDefinition({ name: 'a', oid: 1 }, { column: 1, collation: 950 })],
    ['only includes the column', index({ name: 'a', included: [1] }, 2)],
  ])('is not kept when it %s', (_, only) => {
    expect(verdicts([foreignKey(1)], only)).toEqual({ unused: ['a'], kept: [] });
  });

  it('keeps the better one, the one that is used, or one of two', () => {
    const narrow = index({ name: 'narrow', oid: 1 }, 1);
    const full = index({ name: 'full', oid: 2 }, 2, 1);
    const wide = index({ name: 'wide', oid: 3, sizeBytes: 9000 }, 1, 2, 3);
    expect(verdicts([foreignKey(1, 2)], narrow, full)).toEqual({ unused: ['narrow'], kept: ['full'] });
    expect(verdicts([foreignKey(1, 2)], full, wide)).toEqual({ unused: ['wide'], kept: ['full'] });
    const key = index({ name: 'key', oid: 4, unique: true, constraint: 'key' }, 1, 2);
    expect(verdicts([foreignKey(1, 2)], full, key)).toEqual({ unused: ['full'], kept: ['key'] });
  });
});

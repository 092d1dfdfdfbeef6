import { describe, expect, it } from 'vitest';
import { judgeWorkload } from './judge.ts';
import type { TableFacts, WorkloadFacts } from './read.ts';
import { checkType, type WorkloadConfig } from './schema.ts';

const now = new Date('2026-11-30T12:00:00Z');

function table(oid: number, facts: Partial<TableFacts> = {}): TableFacts {
  const counters = { reads: 0, inserted: 0, updated: 0, deleted: 0, hotUpdated: 0, newPageUpdated: 0 };
  return {
    oid,
    schema: 'public',
    name: `t${oid}`,
    isPartition: false,
    indexes: 1,
    fillfactor: 100,
    ...counters,
    ...facts,
  };
}

function facts(tables: readonly TableFacts[], others: Partial<WorkloadFacts> = {}): WorkloadFacts {
  const server = { database: 'shop', statsReset: '', blocksHit: 900, blocksRead: 100, standbysStreaming: 0 };
  return { ...server, tables, standbys: [], ...others };
}

/** What the check kept `hoursAgo`, when the server was as `then` says. */
function look(hoursAgo: number, then: WorkloadFacts) {
  const { snapshot } = judgeWorkload(then, [], now, checkType.config.parse({}));
  return { at: new Date(now.getTime() - hoursAgo * 3_600_000), values: JSON.parse(JSON.stringify(snapshot)) };
}

const judge = (
  latest: WorkloadFacts,
  earlier: Parameters<typeof judgeWorkload>[1],
  config: Partial<WorkloadConfig> = {},
) => judgeWorkload(latest, earlier, now, checkType.config.parse(config));

describe('workload', () => {
  const idle = facts([table(1)]);
  it.each([
    ['only reads', { reads: 1000 }, 'read-heavy', 1],
    ['rows inserted', { inserted: 1000 }, 'write-heavy', 0],
    ['as many reads as are heavy', { reads: 800, inserted: 200 }, 'read-heavy', 0.8],
    ['fewer', { reads: 799, inserted: 201 }, 'mixed', 0.799],
    ['as many writes as are heavy', { reads: 200, inserted: 800 }, 'write-heavy', 0.2],
    [
      'rows that were read in order to update and delete them',
      { reads: 1000, updated: 600, deleted: 400 },
      'write-heavy',
      0,
    ],
    ['rows looked for all over the table to update a few', { reads: 10_000, updated: 100 }, 'read-heavy', 0.99],
  ] as const)('classifies %s', (_, counters, workloadType, readRatio) => {
    expect(judge(facts([table(1, counters)]), [look(3, idle)]).figures).toMatchObject({
      workload_type: workloadType,
      read_ratio: readRatio,
    });
  });

  it('counts between two looks, not since the counters began', () => {
    const then = facts([table(1, { reads: 1_000_000 })], { blocksHit: 100, blocksRead: 0 });
    expect(judge(facts([table(1, { reads: 1_000_100, inserted: 900 })]), [look(3, then)]).figures).toMatchObject({
      workload_type: 'write-heavy',
      rows_read: 100,
      rows_written: 900,
      blocks_hit: 800,
      blocks_read: 100,
      hours: 3,
    });
  });

  it('compares with the oldest look that no reset lies behind', () => {
    const other = look(9, facts([table(1)], { statsReset: 'before' }));
    const fallen = look(8, facts([table(1, { reads: 5000 })]));
    const { figures } = judge(facts([table(1, { reads: 500 })]), [
      look(1, facts([table(1, { reads: 400 })])),
      look(2, idle),
      fallen,
      other,
    ]);
    expect(figures).toMatchObject({ rows_read: 500, since: '2026-11-30T10:00:00.000Z' });
  });

  it('counts a table made since, and together those that are too many to be kept one by one', () => {
    const made = judge(facts([table(1), table(2, { inserted: 500 })]), [look(3, idle)]);
    expect(made.figures).toMatchObject({ rows_written: 500, tables_counted_together: 0 });
    const many = Array.from({ length: 202 }, (_, index) => table(index + 1, { reads: 1000 - index }));
    const busier = [...many.slice(0, 200), table(201, { reads: 1_000_800 }), table(300, { inserted: 1000 })];
    const { figures, checked } = judge(facts(busier), [look(3, facts(many))]);
    // One of the two was dropped: what was read of it is missing, and nothing is made up.
    expect({ checked, ...figures }).toMatchObject({
      checked: 202,
      rows_read: 1_000_800 - 800 - 799,
      rows_written: 1000,
      tables_counted_together: 2,
    });
  });

  it('adds what was read on standbys, and says which it could not count', () => {
    const standby = (name: string, reads: number) => ({ name, kind: 'reads' as const, statsReset: '', reads });
    const then = facts([table(1)], { standbys: [standby('a', 1000), standby('reset', 1000)] });
    const unreadable = { name: 'd', kind: 'unreadable' as const, reason: 'the standby could not be read: refused' };
    const latest = facts([table(1, { inserted: 100 })], {
      standbysStreaming: 4,
      standbys: [standby('a', 10_000), standby('reset', 10), standby('new', 10), unreadable],
    });
    const report = judge(latest, [look(3, then)]);
    expect(report.figures).toMatchObject({
      workload_type: 'read-heavy',
      rows_read: 9000,
      rows_read_on_standbys: 9000,
      standbys_streaming: 4,
      standbys_registered: 4,
      standbys_counted: 1,
    });
    expect(report.unknown.map(({ object }) => object)).toEqual(['reset', 'new', 'd']);
  });

  it('does not know at the first look, nor from a handful of rows', () => {
    const first = judge(facts([table(1, { reads: 1000 })]), []);
    expect(first).toMatchObject({
      checked: 0,
      unjudged: 'all',
      figures: { workload_type: 'unknown', read_ratio: null },
    });
    expect(first.unknown).toEqual([{ object: 'shop', reason: 'no earlier look to compare with', grant: null }]);
    const few = judge(facts([table(1, { reads: 99 })]), [look(3, idle)]);
    expect(few).toMatchObject({
      figures: { workload_type: 'unknown' },
      unknown: [{ reason: expect.stringMatching(/^only 99/) }],
    });
  });
});

describe('workload: HOT updates', () => {
  const judged = (...tables: TableFacts[]) => judge(facts(tables), [look(3, facts([]))]).findings;

  it('finds tables with many updates of which few are HOT', () => {
    expect(
      judged(
        table(1, { updated: 1000, hotUpdated: 499, newPageUpdated: 400 }),
        table(2, { updated: 1000, hotUpdated: 500 }),
        table(3, { updated: 999, hotUpdated: 0 }),
      ),
    ).toMatchObject([
      {
        fingerprint: 'table:public.t1',
        severity: 'info',
        evidence: {
          hot_ratio: 0.499,
          new_page_share_of_others: 0.798,
          suggestion: expect.stringMatching(/fillfactor/),
        },
        action: null,
      },
    ]);
  });

  it.each([
    [100, /^see which indexes/],
    [900, /^lower the fillfactor/],
    [null, /^lower the fillfactor.*or see which indexes/],
  ])('suggests what the updates that left their page tell: %s of 1000', (newPageUpdated, suggestion) => {
    const [finding] = judged(table(1, { updated: 1000, newPageUpdated }));
    expect(finding?.evidence['suggestion']).toMatch(suggestion);
  });

  it('counts partitions with their topmost table', () => {
    const part = { name: 'parts', isPartition: true, updated: 600, newPageUpdated: 0 };
    expect(judged(table(1, part), table(2, part))).toMatchObject([
      { fingerprint: 'table:public.parts', evidence: { updates: 1200, partitions: 2 } },
    ]);
  });
});

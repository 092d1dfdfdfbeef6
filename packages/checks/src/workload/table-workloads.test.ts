import { describe, expect, it } from 'vitest';
import { judgeWorkload } from './judge.ts';
import type { TableFacts, WorkloadFacts } from './read.ts';
import { checkType } from './schema.ts';
import { workloadsOfTables } from './table-workloads.ts';

const now = new Date('2026-11-30T12:00:00Z');
const config = checkType.config.parse({});

function table(oid: number, facts: Partial<TableFacts> = {}): TableFacts {
  const counters = { reads: 0, inserted: 0, updated: 0, deleted: 0, hotUpdated: 0, newPageUpdated: 0 };
  const rest = { schema: 'public', name: `t${oid}`, isPartition: false, indexes: 1, fillfactor: 100 };
  return { oid, ...rest, ...counters, ...facts };
}

function facts(tables: readonly TableFacts[], others: Partial<WorkloadFacts> = {}): WorkloadFacts {
  const server = { database: 'shop', statsReset: '', blocksHit: 900, blocksRead: 100, standbysStreaming: 0 };
  return { ...server, tables, standbys: [], ...others };
}

/** What the check kept `hoursAgo`, when the server was as `then` says. */
function look(hoursAgo: number, then: WorkloadFacts) {
  const { snapshot } = judgeWorkload(then, [], now, config);
  return { at: new Date(now.getTime() - hoursAgo * 3_600_000), values: JSON.parse(JSON.stringify(snapshot)) };
}

const typesOf = (...given: Parameters<typeof workloadsOfTables>) =>
  workloadsOfTables(...given).map(({ name, classified }) => [
    name,
    classified.kind === 'classified' ? classified.workloadType : classified.kind,
  ]);

describe('the workload of tables', () => {
  it('is told of each by the rule of the database, from what came between looks', () => {
    const then = facts([table(1, { reads: 5_000_000 }), table(2), table(3), table(4)]);
    const later = facts([
      table(1, { reads: 5_000_100, inserted: 900 }),
      table(2, { reads: 2_000, updated: 100, hotUpdated: 75 }),
      table(3, { reads: 300, inserted: 300 }),
      table(4, { reads: 99 }),
    ]);
    expect(typesOf(later, [look(6, then)], config)).toEqual([
      ['t2', 'read-heavy'],
      ['t1', 'write-heavy'],
      ['t3', 'mixed'],
      ['t4', 'not_enough_data'],
    ]);
    const [busiest, , , least] = workloadsOfTables(later, [look(6, then)], config);
    expect(busiest).toMatchObject({
      since: new Date('2026-11-30T06:00:00Z'),
      resets: 0,
      rows: { rows_read: 1_900, rows_updated: 100, hot_ratio: 0.75 },
    });
    expect(least?.classified).toEqual({
      kind: 'not_enough_data',
      reason: 'only 99 rows read and written since 2026-11-30T06:00:00.000Z; 100 are needed',
    });
  });

  it('says plainly that there is nothing to compare with', () => {
    const [only, ...others] = workloadsOfTables(facts([table(1, { reads: 1e6 })]), [], config);
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      since: null,
      classified: { kind: 'not_enough_data', reason: 'no earlier look to compare with' },
      rows: { rows_read: 0, rows_written: 0 },
    });
  });

  it('goes on over a reset of all counters: each side of it counts for itself', () => {
    const looks = [
      look(1, facts([table(1, { reads: 50 })], { statsReset: 'new', blocksHit: 3, blocksRead: 0 })),
      look(3, facts([table(1, { reads: 1_400 })])),
      look(9, facts([table(1, { reads: 1_000 })])),
    ];
    // It had fewer rows read before the reset than it has now: only the other counters tell that there was one.
    const latest = facts([table(1, { reads: 2_050 })], { statsReset: 'new', blocksHit: 90, blocksRead: 0 });
    expect(workloadsOfTables(latest, looks, config)).toMatchObject([
      { rows: { rows_read: 400 + 50 + 2_000 }, resets: 1, since: new Date('2026-11-30T03:00:00Z') },
    ]);
    const atOnce = facts([table(1, { reads: 2_050 })], { statsReset: 'new', blocksHit: 90, blocksRead: 0 });
    expect(workloadsOfTables(atOnce, looks.slice(1), config)).toMatchObject([
      { rows: { rows_read: 400 + 2_050 }, resets: 1 },
    ]);
  });

  it('cuts one table alone where its counters alone were reset', () => {
    const then = facts([table(1, { reads: 5_000 }), table(2, { reads: 5_000 })]);
    const latest = facts([table(1, { inserted: 700 }), table(2, { reads: 5_800 })], {
      statsReset: 'of one table',
      blocksHit: 950,
    });
    expect(workloadsOfTables(latest, [look(3, then)], config)).toMatchObject([
      { name: 't2', rows: { rows_read: 800 }, resets: 0 },
      { name: 't1', rows: { rows_written: 700, rows_read: 0 }, resets: 1 },
    ]);
  });

  it('bridges looks that had no room for a table, and makes nothing up', () => {
    const busy = Array.from({ length: 200 }, (_, index) => table(index + 1_000, { reads: 10_000 }));
    const crowded = look(2, facts([...busy, table(1, { reads: 500 }), table(2, { reads: 600 })]));
    const latest = facts([...busy, table(1, { reads: 900 }), table(2, { reads: 900 })]);
    const older = look(5, facts([table(1, { reads: 300 })]));
    const found = workloadsOfTables(latest, [crowded, older], config);
    expect(found.find(({ name }) => name === 't1')).toMatchObject({ rows: { rows_read: 600 } });
    // Of the second the older look says that it was idle, and with the crowded one alone nothing is known of it.
    expect(found.find(({ name }) => name === 't2')).toMatchObject({ rows: { rows_read: 900 } });
    expect(workloadsOfTables(latest, [crowded], config).find(({ name }) => name === 't2')).toMatchObject({
      since: null,
      classified: { kind: 'not_enough_data' },
    });
  });

  it('counts partitions with their topmost table', () => {
    const part = (oid: number, counters: Partial<TableFacts>) =>
      table(oid, { name: 'parts', isPartition: true, ...counters });
    const latest = facts([part(1, { inserted: 600 }), part(2, { reads: 600 })]);
    expect(workloadsOfTables(latest, [look(3, facts([]))], config)).toMatchObject([
      { name: 'parts', partitions: 2, classified: { workloadType: 'mixed', readRatio: 0.5 } },
    ]);
  });
});

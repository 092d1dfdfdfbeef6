import { describe, expect, it } from 'vitest';
import type { MetricsFacts, Suspect } from './facts.ts';
import { planMetrics } from './plan.ts';
import { taskType } from './schema.ts';
import { indexWastePercent, tableWastePercent } from './waste.ts';

const MiB = 1024 ** 2;
const suspect = (kind: Suspect['kind'], oid: number, sizeMb: number): Suspect => ({
  kind,
  oid,
  schema: 'public',
  name: `${kind}${oid}`,
  quoted: `public.${kind}${oid}`,
  sizeBytes: sizeMb * MiB,
  obstacle: null,
});
const facts: MetricsFacts = {
  database: 'shop',
  relations: 9,
  seesActivity: true,
  activityGrant: 'GRANT pg_read_all_stats TO ann',
  pgstattuple: { kind: 'usable', schema: '"odd ""schema"' },
  suspects: [suspect('table', 1, 900), suspect('index', 2, 300), suspect('table', 3, 100), suspect('index', 4, 50)],
};
const plan = (given: Partial<MetricsFacts> = {}, config: object = {}) =>
  planMetrics({ ...facts, ...given }, taskType.config.parse(config));

describe('planMetrics', () => {
  it('measures the largest suspects that fit into the budget, and says which did not', () => {
    const made = plan();
    expect(made.steps.slice(4).map(({ key }) => key)).toEqual([
      'table_bloat public.table1',
      'table_bloat public.table3',
    ]);
    expect(made.skipped).toEqual([
      { object: 'public.index2', reason: 'over_max_measured_mb' },
      { object: 'public.index4', reason: 'over_max_measured_mb' },
    ]);
    expect(plan({}, { max_measured_mb: 1400 }).skipped).toEqual([]);
    expect(plan({}, { max_measured_mb: 0 }).steps).toHaveLength(4);
  });

  it('says of what it cannot measure why', () => {
    const gin = { ...suspect('index', 5, 10), obstacle: 'no_measure_for gin' };
    const locked = { ...suspect('table', 6, 0), sizeBytes: null, obstacle: 'locked' };
    const made = plan({ suspects: [gin, locked] });
    expect(made.steps).toHaveLength(4);
    expect(made.skipped).toEqual([
      { object: 'public.index5', reason: 'no_measure_for gin' },
      { object: 'public.table6', reason: 'locked' },
    ]);
  });

  it('names objects by OID and the extension by its quoted schema', () => {
    const made = plan({}, { max_measured_mb: 2000 });
    const [table, index] = made.steps.slice(4).map(({ statements }) => statements[0]);
    expect(table).toContain('"odd ""schema".pgstattuple_approx(c.oid) AS a WHERE c.oid = 1');
    expect(index).toContain('"odd ""schema".pgstatindex(c.oid::regclass) AS x WHERE c.oid = 2');
  });

  it('only reads', () => {
    for (const step of plan().steps) {
      expect(step.reversible).toBe(true);
      expect(step.lockMode).toBe('ACCESS SHARE');
      expect(step.statements).toEqual([expect.stringMatching(/^(SELECT|WITH) /)]);
    }
  });

  it('calls unknown what it cannot see, with the cure', () => {
    const pgstattuple = {
      kind: 'unusable',
      reason: 'pgstattuple_missing',
      grant: 'CREATE EXTENSION pgstattuple',
    } as const;
    const blind = plan({ seesActivity: false, pgstattuple, suspects: [] });
    expect(blind.unknown.map(({ object, grant }) => [object, grant])).toEqual([
      ['activity', 'GRANT pg_read_all_stats TO ann'],
      ['bloat', 'CREATE EXTENSION pgstattuple'],
    ]);
    expect(plan({ pgstattuple, suspects: [] }, { bloat: false }).unknown).toEqual([]);
  });
});

describe('waste', () => {
  it('of a table is what is dead or free beyond the fillfactor', () => {
    expect(tableWastePercent({ dead_percent: 30, free_percent: 15.26, fillfactor: 100 })).toBe(45.3);
    expect(tableWastePercent({ dead_percent: 0, free_percent: 25, fillfactor: 70 })).toBe(0);
    expect(tableWastePercent({ dead_percent: null, free_percent: 25, fillfactor: 70 })).toBeNull();
  });

  it('of an index counts the empty and deleted pages that the density of its leaves hides', () => {
    const dense = { leaf_density_percent: 89.5, fillfactor: 90, internal_pages: 1 };
    expect(indexWastePercent({ ...dense, leaf_pages: 100, pages: 102 })).toBe(0.6);
    expect(indexWastePercent({ ...dense, leaf_pages: 11, pages: 102 })).toBe(89.1);
  });

  it('of an index without leaves is not known', () => {
    expect(
      indexWastePercent({ leaf_pages: 0, leaf_density_percent: null, fillfactor: 90, pages: 1, internal_pages: 0 }),
    ).toBeNull();
  });
});

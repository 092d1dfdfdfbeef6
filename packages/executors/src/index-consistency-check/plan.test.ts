import type { amcheck } from '@slacktide/checks';
import { describe, expect, it } from 'vitest';
import type { ConsistencyFacts } from './facts.ts';
import { planConsistency, reportKey } from './plan.ts';
import { taskType } from './schema.ts';

const mebibyte = 1024 * 1024;
const relation = (name: string, changes: Partial<amcheck.RelationRow> = {}): amcheck.RelationRow => ({
  oid: 16_400,
  kind: 'index',
  schema: 'public',
  name,
  quoted: `public.${name}`,
  table: 'orders',
  tableOid: 16_390,
  toastOf: null,
  excluded: null,
  locked: false,
  sizeBytes: mebibyte,
  companionBytes: 4 * mebibyte,
  collations: [],
  ...changes,
});
const usable = (name: string, parameters: number) => ({ kind: 'usable', schema: '"od""d"', name, parameters }) as const;
const facts = (
  relations: readonly amcheck.RelationRow[],
  changes: Partial<ConsistencyFacts> = {},
): ConsistencyFacts => ({
  database: 'shop',
  damagedCatalogues: null,
  named: false,
  relations,
  choice: { btree: usable('bt_index_check', 2), gin: usable('gin_index_check', 1), heap: null, unknown: [] },
  ...changes,
});
const config = (given: object = {}) => taskType.config.parse(given);
const keys = (plan: ReturnType<typeof planConsistency>): readonly string[] => plan.steps.map(({ key }) => key);

describe('the plan of INDEX_CONSISTENCY_CHECK', () => {
  it('verifies in the order of the turns up to the budget, and reports at last', () => {
    const relations = [relation('a'), relation('b', { sizeBytes: 9 * mebibyte }), relation('c')];
    const plan = planConsistency(facts(relations), config({ max_mb: 10.5 }));
    expect(keys(plan)).toEqual(['public.a', 'public.b', reportKey]);
    expect(plan.skipped).toEqual([{ object: '1 relations', reason: 'over_max_mb' }]);
    expect(plan.steps[0]).toMatchObject({
      statements: [
        'SELECT "od""d".bt_index_check(index => 16400::pg_catalog.oid::pg_catalog.regclass, heapallindexed => false)',
      ],
      lockMode: 'ACCESS SHARE',
      data: { reason: 'turn', table_oid: 16_390, bytes: mebibyte },
    });
    expect(keys(planConsistency(facts(relations), config({ max_mb: 13, heapallindexed: true })))).toEqual([
      'public.a',
      reportKey,
    ]);
    expect(keys(planConsistency(facts(relations), config({ max_relations: 1 })))).toEqual(['public.a', reportKey]);
  });

  it('tells of what it never reaches, and of what somebody has locked', () => {
    const relations = [
      relation('large', { sizeBytes: 3 * mebibyte }),
      relation('locked', { locked: true, sizeBytes: null }),
    ];
    const plan = planConsistency(facts(relations), config({ max_mb: 2 }));
    expect(plan.steps).toEqual([]);
    expect(plan.unknown).toEqual([
      { object: 'public.large', reason: 'larger_than_max_mb', grant: null },
      { object: 'public.locked', reason: 'locked', grant: null },
    ]);
    const named = planConsistency(facts(relations, { named: true }), config({ max_mb: 2 }));
    expect(keys(named)).toEqual(['public.large', 'public.locked', reportKey]);
  });

  it('says that writers are kept out where parents are checked', () => {
    const choice = { ...facts([]).choice, btree: usable('bt_index_parent_check', 4) };
    const plan = planConsistency(
      facts([relation('a')], { choice }),
      config({ parent_check: true, rootdescend: true, check_unique: true }),
    );
    expect(plan.steps[0]).toMatchObject({
      lockMode: 'SHARE',
      statements: [expect.stringMatching(/heapallindexed => false, rootdescend => true, checkunique => true\)$/)],
    });
    expect(taskType.config.safeParse({ rootdescend: true }).error?.issues).toMatchObject([{ path: ['rootdescend'] }]);
  });

  it('looks at GIN where amcheck can, at tables where asked to, and names what is left out', () => {
    const gin = relation('g', { excluded: 'no_check_for gin' });
    const others = [relation('h', { excluded: 'no_check_for hash' }), relation('t', { kind: 'table', table: null })];
    const plan = planConsistency(facts([gin, ...others]), config());
    expect(keys(plan)).toEqual(['public.g', reportKey]);
    expect(plan.skipped).toEqual([{ object: 'public.h', reason: 'no_check_for hash' }]);
    const heap = usable('verify_heapam', 6);
    const without = { ...facts([]).choice, gin: null, heap };
    expect(planConsistency(facts([gin, ...others], { choice: without }), config({ check_heap: true }))).toMatchObject({
      steps: [
        { key: 'public.t', statements: [expect.stringContaining('"od""d".verify_heapam(relation => 16400')] },
        {},
      ],
      skipped: [{ reason: 'no_check_for gin' }, { reason: 'no_check_for hash' }],
    });
  });

  it('does nothing without amcheck, and says what cures it', () => {
    const missing = { kind: 'unusable', reason: 'amcheck_missing', grant: 'CREATE EXTENSION amcheck' } as const;
    const unknown = [{ object: 'amcheck', reason: missing.reason, grant: missing.grant }];
    const choice = { btree: missing, gin: null, heap: null, unknown };
    expect(planConsistency(facts([relation('a')], { choice }), config())).toMatchObject({ steps: [], unknown });
  });
});

import { describe, expect, it } from 'vitest';
import { type AmcheckFacts, chooseVerifiers } from './amcheck.ts';
import { checkType } from './schema.ts';
import { indexSwitches } from './verify.ts';

const config = (given: object) => checkType.config.parse(given);
const functions = (grant: string | null, ...signatures: readonly [string, number][]) =>
  signatures.map(([name, parameters]) => ({ name, parameters, schema: 'tools', grant }));
const old: AmcheckFacts = {
  version: '1.3',
  outdated: true,
  functions: functions(null, ['bt_index_check', 2], ['bt_index_parent_check', 3], ['verify_heapam', 6]),
};
const current: AmcheckFacts = {
  version: '1.4',
  outdated: false,
  functions: [...old.functions, ...functions(null, ['bt_index_check', 3], ['bt_index_parent_check', 4])],
};

describe('what indexes and tables are verified with', () => {
  it.each([
    ['by default', current, {}, false, 'bt_index_check', [false]],
    ['with every row', current, { heapallindexed: true }, false, 'bt_index_check', [true]],
    ['with unique keys', current, { checkunique: true }, false, 'bt_index_check', [false, true]],
    ['with parents', current, { parent_check: true }, false, 'bt_index_parent_check', [false, false]],
    [
      'with both',
      current,
      { parent_check: true, checkunique: true },
      false,
      'bt_index_parent_check',
      [false, false, true],
    ],
    ['without what an old amcheck lacks', old, { checkunique: true }, false, 'bt_index_check', [false]],
    ['without what a standby refuses', current, { parent_check: true }, true, 'bt_index_check', [false]],
  ])('is chosen %s', (_, amcheck, given, inRecovery, name, switches) => {
    const { indexes, heaps } = chooseVerifiers(amcheck, config(given), inRecovery);
    if (indexes.kind !== 'usable') throw new Error('expected a usable function');
    expect(indexes).toMatchObject({ name, schema: 'tools' });
    expect(indexSwitches(indexes, config(given))).toEqual(switches);
    expect(heaps).toBeNull();
  });

  it('tells what was asked for and is left out', () => {
    expect(chooseVerifiers(old, config({ checkunique: true }), false).reservations).toEqual([
      { object: 'amcheck', reason: 'checkunique_needs_amcheck_1.4', grant: 'ALTER EXTENSION amcheck UPDATE' },
    ]);
    expect(chooseVerifiers(current, config({ parent_check: true }), true).reservations).toEqual([
      { object: 'amcheck', reason: 'parent_check_refused_on_standby', grant: null },
    ]);
  });

  it('tells what is missing', () => {
    const missing = chooseVerifiers(
      { version: null, outdated: false, functions: [] },
      config({ heap_check: true }),
      false,
    );
    expect(missing).toMatchObject({
      indexes: { reason: 'amcheck_missing' },
      heaps: { grant: 'CREATE EXTENSION amcheck' },
    });
    const ancient = { version: '1.2', outdated: true, functions: functions(null, ['bt_index_check', 2]) };
    expect(chooseVerifiers(ancient, config({ heap_check: true }), false)).toMatchObject({
      indexes: { kind: 'usable' },
      heaps: { reason: 'amcheck_lacks_verify_heapam', grant: 'ALTER EXTENSION amcheck UPDATE' },
    });
    const forbidden = { ...current, functions: functions('GRANT …', ['bt_index_check', 2]) };
    expect(chooseVerifiers(forbidden, config({}), false).indexes).toEqual({
      kind: 'unusable',
      reason: 'insufficient_privilege',
      grant: 'GRANT …',
    });
  });
});

import { describe, expect, it } from 'vitest';
import type { KeyMember } from './cover.ts';
import { coverOf, isImpliedByEquality } from './cover.ts';
import { judgeKeys, sortKeys, wantedIndexes } from './judge.ts';
import type { MeasuredKey } from './measure.ts';
import type { TableIndex } from './read-indexes.ts';
import type { Searches } from './read-operators.ts';
import { checkType } from './schema.ts';
import { severityOf } from './severity.ts';

const config = checkType.config.parse({});
const searches: Searches = { inFamily: (operator, family) => operator === family, byDefault: () => true };
const column = (name: string) => ({ name, operator: 96, collation: 100, comparedAsIs: true });
const customer = { column: 'customer', attribute: 3, collation: 100, family: 96 };
const region = { ...customer, column: 'region', attribute: 4 };
const other = { ...customer, column: 'other', attribute: 5 };
const table = { oid: 1, schema: 'public', name: 'orders' };
const key: MeasuredKey = {
  oid: 7,
  schema: 'public',
  table: 'orders',
  tableOid: 1,
  name: 'orders_customer_fk',
  columns: [column('customer')],
  referencedSchema: 'public',
  referencedTable: 'customers',
  referencedOid: 9,
  onDelete: 'a',
  onUpdate: 'a',
  enforced: true,
  period: false,
  partitioned: false,
  members: [{ table, indexes: [] }],
  unservedColumns: [],
  rows: 5_000,
  sizeBytes: 81_920,
  referencedRows: 1_000,
  referencedDeletes: 0,
  referencedUpdates: 0,
};
const two = { ...key, columns: [column('customer'), column('region')] };
const by = (change: Partial<TableIndex>): KeyMember => ({
  table,
  indexes: [{ tableOid: 1, name: 'i', method: 'btree', usable: true, predicate: null, keys: [customer], ...change }],
});

describe('the cover of a foreign key', () => {
  it.each<[string, MeasuredKey, KeyMember, 'full' | 'partial' | 'none', string?]>([
    ['a btree that leads with it', key, by({ keys: [customer, other] }), 'full'],
    ['a hash of its one column', key, by({ method: 'hash' }), 'full'],
    ['BRIN', key, by({ method: 'brin' }), 'none', 'access method'],
    ['GiST, with btree_gist', key, by({ method: 'gist' }), 'partial', 'access method'],
    ['an index that is not valid', key, by({ usable: false }), 'none', 'not valid'],
    ['an index of another collation', key, by({ keys: [{ ...customer, collation: 12 }] }), 'none', 'other collation'],
    [
      'an index of another operator class',
      key,
      by({ keys: [{ ...customer, family: 5 }] }),
      'none',
      'other operator class',
    ],
    ['an index without collation', key, by({ keys: [{ ...customer, collation: 0 }] }), 'full'],
    ['an index that others lead', key, by({ keys: [other, customer] }), 'none', 'columns do not lead'],
    ['an expression', key, by({ keys: [{ ...customer, column: null, attribute: 0 }] }), 'none'],
    ['its columns in another order, before others', two, by({ keys: [region, customer, other] }), 'full'],
    [
      'its columns with another between',
      two,
      by({ keys: [customer, other, region] }),
      'partial',
      'only the leading columns',
    ],
    ['its columns behind another', two, by({ keys: [other, customer, region] }), 'none', 'columns do not lead'],
    ['a hash of one of its columns', two, by({ method: 'hash' }), 'partial', 'only the leading columns'],
  ])('by %s', (_, one, member, expected, why) => {
    expect(coverOf(one, [member], searches)).toMatchObject({
      kind: expected,
      nearMisses: why === undefined ? [] : [{ index: 'i', why }],
    });
  });

  it('of a partitioned table is that of every leaf', () => {
    const leaf = { ...by({}), table: { ...table, oid: 2 } };
    expect(coverOf(key, [by({}), leaf], searches).kind).toBe('full');
    expect(coverOf(key, [by({ usable: false }), leaf], searches)).toMatchObject({
      kind: 'none',
      members: 2,
      uncovered: [{ table: { oid: 1 } }],
    });
  });

  it('of a PERIOD is a GiST index', () => {
    const period = { ...two, period: true };
    expect(coverOf(period, [by({ method: 'gist', keys: [region, customer] })], searches).kind).toBe('full');
    expect(coverOf(period, [by({ keys: [region, customer] })], searches).kind).toBe('partial');
  });

  const notNull = (attribute: number): string =>
    `{NULLTEST :arg {VAR :varno 1 :varattno ${attribute} :vartype 23 :location 7} :nulltesttype 1 :argisrow false :location -1}`;
  const and = (...tests: string[]): string => `{BOOLEXPR :boolop and :args (${tests.join(' ')}) :location 12}`;
  it.each([
    [null, true],
    [notNull(3), true],
    [notNull(5), false],
    [notNull(3).replace('nulltesttype 1', 'nulltesttype 0'), false],
    [notNull(3).replace('argisrow false', 'argisrow true'), false],
    [and(notNull(3), and(notNull(4), notNull(3))), true],
    [and(notNull(3), notNull(5)), false],
    [and(notNull(3), notNull(4)).replace('boolop and', 'boolop or'), false],
  ])('by a partial index depends on its predicate: %s', (predicate, expected) => {
    expect(isImpliedByEquality(predicate, [3, 4])).toBe(expected);
  });
});

describe('missing_fk_index', () => {
  it('leaves small tables out, unless told otherwise, and does not know the size of locked ones', () => {
    const small = { ...key, rows: 999 };
    expect(sortKeys([small], searches, config)).toMatchObject({
      uncovered: [],
      skipped: [{ object: 'public.orders_customer_fk' }],
    });
    expect(sortKeys([small], searches, { ...config, min_rows: 0 }).uncovered).toHaveLength(1);
    const unmeasured = { ...key, rows: null };
    expect(sortKeys([unmeasured], searches, config)).toMatchObject({ uncovered: [], unknown: [{ reason: 'locked' }] });
    expect(sortKeys([{ ...unmeasured, members: [by({})] }], searches, config)).toMatchObject({
      covered: 1,
      unknown: [],
    });
  });

  it('wants one index for foreign keys on the same columns, and a tree only where no leaf has one', () => {
    const twin = { ...two, oid: 8, name: 'orders_payer_fk', columns: two.columns.toReversed() };
    const sorted = sortKeys([two, twin], searches, config);
    expect(wantedIndexes(sorted)).toEqual([{ foreignKeyOid: 7, tables: [1], period: false }]);
    const { findings } = judgeKeys(sorted, [], 180000, config);
    expect(findings.map(({ evidence }) => evidence['same_columns_as'])).toEqual([
      ['orders_payer_fk'],
      ['orders_customer_fk'],
    ]);
    const leaves = [
      { table: { ...table, oid: 2 }, indexes: [] },
      { ...by({}), table: { ...table, oid: 3 } },
    ];
    const partitioned = (members: KeyMember[]): MeasuredKey => ({ ...key, partitioned: true, members });
    const wanted = (one: MeasuredKey) => wantedIndexes(sortKeys([one], searches, config)).map(({ tables }) => tables);
    expect(wanted(partitioned(leaves))).toEqual([[2]]);
    expect(wanted(partitioned(leaves.slice(0, 1)))).toEqual(['tree']);
  });

  it('builds nothing on servers whose concurrent builds leave rows out', () => {
    const proposal = {
      foreignKeyOid: 7,
      sql: ['CREATE INDEX CONCURRENTLY i ON public.orders (customer)'],
      rollbackSql: [],
      indexes: ['i'],
    };
    const sorted = sortKeys([key], searches, config);
    expect(judgeKeys(sorted, [proposal], 140003, config).findings).toMatchObject([
      { action: null, evidence: { no_action_because: expect.stringMatching(/14\.4/) } },
    ]);
    expect(judgeKeys(sorted, [proposal], 140004, config).findings).toMatchObject([
      { action: { class: 'compensable' } },
    ]);
  });

  const none = coverOf(key, key.members, searches);
  it.each<[string, Partial<MeasuredKey>, string]>([
    ['nobody deletes', {}, 'info'],
    ['referenced rows are deleted', { referencedDeletes: 1 }, 'warning'],
    ['a few are, and the table is large', { referencedDeletes: 99, rows: 1_000_000 }, 'warning'],
    ['many are, and the table is large', { referencedDeletes: 100, rows: 1_000_000 }, 'critical'],
    ['a delete cascades', { onDelete: 'c' }, 'warning'],
    ['an update would cascade, but no key was changed', { onUpdate: 'c' }, 'info'],
    ['keys may have been changed', { onUpdate: 'c', referencedUpdates: 3 }, 'warning'],
    ['the table is large', { rows: 1_000_000 }, 'warning'],
    ['each value stands for a fifth of the rows', { rows: 1_000_000, referencedRows: 5 }, 'info'],
    ['it is not enforced', { enforced: false, referencedDeletes: 9 }, 'info'],
  ])('when %s', (_, change, severity) => {
    expect(severityOf({ ...key, ...change }, none, config)).toBe(severity);
  });

  it('thinks less of a missing index when another narrows the search', () => {
    expect(severityOf({ ...key, referencedDeletes: 9 }, coverOf(key, [by({ method: 'gist' })], searches), config)).toBe(
      'info',
    );
  });
});

import { describe, expect, it } from 'vitest';
import { type ConcurrentProof, readConcurrentProof } from './concurrent-remnant.ts';
import { isLeftoverOf, sortLeftovers } from './leftover-of.ts';
import type { UnusableIndex } from './unusable-indexes.ts';

const record = {
  step: 'public.i',
  system_identifier: '1',
  database: 'd',
  schema: 'public',
  index: 'i',
  index_oid: 5,
  table_oid: 7,
  definition: 'CREATE INDEX i ON public.t USING btree (n)',
  indexes_before: [5, 6],
  application_name: 'slacktide/task/1',
};

function proofOf(operation: ConcurrentProof['operation'], more: object = {}): ConcurrentProof {
  const proof = readConcurrentProof({ ...record, operation, ...more });
  if (proof === undefined) throw new Error('expected a record that can be read');
  return proof;
}

const index = (name: string, oid: number, more: Partial<UnusableIndex> = {}): UnusableIndex => ({
  oid,
  name,
  quoted: `public.${name}`,
  live: true,
  atWork: false,
  ...more,
});

describe('a record', () => {
  it('of the release before was of a rebuild, of an index that could be used', () => {
    expect(readConcurrentProof(record)).toMatchObject({ operation: 'reindex', was_usable: true });
    expect(readConcurrentProof({ ...record, operation: 'create_partitioned' })).toBeUndefined();
    expect(readConcurrentProof({ any: 'thing' })).toBeUndefined();
  });
});

describe('what a statement may have left', () => {
  it.each<[ConcurrentProof['operation'], string, number, boolean]>([
    ['create', 'i', 9, true],
    ['create', 'i', 6, false],
    ['create', 'i_ccnew', 9, false],
    ['reindex', 'i_ccnew', 9, true],
    ['reindex', 'i_ccnew', 6, false],
    ['reindex', 'i_ccold', 5, true],
    ['reindex', 'i_ccold', 9, false],
    ['reindex', 'i', 5, false],
    ['reindex', 'other_ccnew', 9, false],
    ['drop', 'i', 5, true],
    ['drop', 'renamed', 5, true],
    ['drop', 'i', 9, false],
    ['drop', 'i_ccnew', 9, true],
    ['drop', 'i_ccnew', 6, false],
  ])('%s: %s with OID %i is it: %s', (operation, name, oid, expected) => {
    expect(isLeftoverOf(index(name, oid), proofOf(operation))).toBe(expected);
  });

  it('a drop of what was unusable before leaves nothing but a drop to be finished', () => {
    const proof = proofOf('drop', { was_usable: false });
    expect(isLeftoverOf(index('i', 5), proof)).toBe(false);
    expect(isLeftoverOf(index('i', 5, { live: false }), proof)).toBe(true);
  });
});

describe('what is done about it', () => {
  it.each<
    [string, ConcurrentProof['operation'], UnusableIndex[], { unclear?: number[]; drop?: number[]; rebuild?: number }]
  >([
    ['nothing', 'create', [], {}],
    ['the one new index goes', 'create', [index('i', 9)], { drop: [9] }],
    ['of two new ones neither', 'reindex', [index('i_ccnew', 9), index('i_ccnew1', 10)], { unclear: [9, 10] }],
    [
      'beside the old one the new ones are others’',
      'reindex',
      [index('i_ccold', 5), index('i_ccnew', 9)],
      { drop: [5] },
    ],
    ['a lost index comes back', 'drop', [index('i', 5)], { rebuild: 5 }],
    ['after what its repair left', 'drop', [index('i', 5), index('i_ccnew', 9)], { drop: [9], rebuild: 5 }],
    ['a dead one goes', 'drop', [index('i', 5, { live: false })], { drop: [5] }],
    ['one whose successor has its name goes', 'drop', [index('i_ccold', 5)], { drop: [5] }],
  ])('%s', (_, operation, leftovers, { unclear = [], drop = [], rebuild }) => {
    const work = sortLeftovers(leftovers, proofOf(operation));
    expect(work.unclear.map(({ oid }) => oid)).toEqual(unclear);
    expect(work.drop.map(({ oid }) => oid)).toEqual(drop);
    expect(work.rebuild?.oid).toBe(rebuild);
  });
});

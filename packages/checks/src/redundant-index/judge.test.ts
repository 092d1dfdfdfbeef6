import { describe, expect, it } from 'vitest';
import { indexDefinition } from '../../test/index-definition.ts';
import type { IndexDefinition, KeyElement } from '../catalogue/index-definitions.ts';
import { judgeRedundantIndexes } from './judge.ts';
import { checkType } from './schema.ts';

const config = checkType.config.parse({});
const on = (...columns: number[]): Partial<KeyElement>[] => columns.map((column) => ({ column }));
const found = (...indexes: IndexDefinition[]) =>
  judgeRedundantIndexes(indexes, config).findings.map(({ object, evidence }) => [
    object.name,
    evidence['covering_index'],
  ]);

describe('redundant_index', () => {
  it('names in a chain the one that stays, never one that goes', () => {
    expect(
      found(
        indexDefinition({ name: 'a', oid: 1 }, ...on(1)),
        indexDefinition({ name: 'ab', oid: 2 }, ...on(1, 2)),
        indexDefinition({ name: 'abc', oid: 3 }, ...on(1, 2, 3)),
      ),
    ).toEqual([
      ['a', 'public.abc'],
      ['ab', 'public.abc'],
    ]);
  });

  it('leaves duplicates to duplicate_index, and does not lean on those that go', () => {
    expect(
      found(
        indexDefinition({ name: 'a', oid: 1 }, ...on(1)),
        indexDefinition({ name: 'a_again', oid: 2 }, ...on(1)),
        indexDefinition({ name: 'ab', oid: 3 }, ...on(1, 2)),
        indexDefinition({ name: 'ab_again', oid: 4 }, ...on(1, 2)),
      ),
    ).toEqual([['a', 'public.ab']]);
  });

  it('keeps one of two that cover each other', () => {
    const mirrored = [
      indexDefinition({ name: 'up', oid: 1 }, { ordering: 0 }),
      indexDefinition({ name: 'down', oid: 2, scans: 5 }, { ordering: 3 }),
    ];
    expect(found(...mirrored)).toEqual([['up', 'public.down']]);
    expect(judgeRedundantIndexes(mirrored, config).findings).toMatchObject([
      { severity: 'info', evidence: { confidence: 'lower' }, action: { class: 'never_retry' } },
    ]);
  });

  it('prefers what sorts the same way, then what is narrower', () => {
    const a = indexDefinition({ name: 'a', oid: 1 }, ...on(1));
    const backwards = indexDefinition({ name: 'backwards', oid: 2 }, { ordering: 3 }, { column: 3 });
    const wide = indexDefinition({ name: 'wide', oid: 3 }, ...on(1, 4, 5));
    const narrow = indexDefinition({ name: 'narrow', oid: 4 }, ...on(1, 5));
    expect(found(a, backwards, wide, narrow)).toEqual([['a', 'public.narrow']]);
    expect(found(a, backwards, wide)).toEqual([['a', 'public.wide']]);
  });

  it.each<[string, Partial<IndexDefinition>]>([
    ['unique', { unique: true }],
    ['an exclusion constraint', { exclusion: '{96}' }],
    ['attached', { parentOid: 9 }],
    ['invalid', { valid: false }],
    ['locked', { locked: true }],
  ])('never drops what is %s', (_, given) => {
    expect(
      found(indexDefinition({ name: 'a', oid: 1, ...given }), indexDefinition({ name: 'ab', oid: 2 }, ...on(1, 2))),
    ).toEqual([]);
  });

  it('does not lean on what is invalid', () => {
    const ab = indexDefinition({ name: 'ab', oid: 2, ready: false }, ...on(1, 2));
    expect(found(indexDefinition({ name: 'a', oid: 1 }), ab)).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { indexDefinition } from '../../test/index-definition.ts';
import type { IndexDefinition } from './index-definitions.ts';
import { dropAction, keeperFirst, protectionsOf } from './index-drop.ts';
import { toIndexTrees } from './index-trees.ts';

const keeperOf = (...given: Partial<IndexDefinition>[]): number =>
  toIndexTrees(given.map((each, position) => indexDefinition({ name: `i${position}`, oid: position + 1, ...each })))
    .toSorted(keeperFirst)
    .map(({ index }) => index.oid)[0] ?? 0;

describe('which of two indexes is kept', () => {
  it.each<[string, Partial<IndexDefinition>, Partial<IndexDefinition>]>([
    ['what is attached, before a primary key', { primary: true, constraint: 'c' }, { parentOid: 9 }],
    ['the primary key', { constraint: 'c', foreignKeyTarget: true }, { primary: true, constraint: 'd' }],
    ['what backs a constraint', { foreignKeyTarget: true }, { constraint: 'c' }],
    ['what foreign keys refer to', { replicaIdentity: true }, { foreignKeyTarget: true }],
    ['the replica identity', { clustered: true }, { replicaIdentity: true }],
    ['what CLUSTER orders by', { scans: 9 }, { clustered: true }],
    ['what is scanned more', { sizeBytes: 1 }, { scans: 1 }],
    ['what is smaller', {}, { sizeBytes: 1 }],
  ])('%s', (_, other, kept) => {
    expect(keeperOf(other, kept)).toBe(2);
    expect(keeperOf(kept, other)).toBe(1);
  });

  it('the older one when nothing else tells', () => {
    expect(keeperOf({ oid: 7 }, { oid: 5 })).toBe(5);
  });
});

describe('a partition tree of indexes', () => {
  const [tree] = toIndexTrees([
    indexDefinition({ name: 'root', oid: 1, partitioned: true, restore: ['root'] }),
    indexDefinition({ name: 'leaf', oid: 2, parentOid: 1, scans: 3, restore: ['leaf', 'attach leaf'] }),
    indexDefinition({ name: 'middle', oid: 3, parentOid: 1, partitioned: true, restore: ['middle', 'attach middle'] }),
    indexDefinition({
      name: 'deep',
      oid: 4,
      parentOid: 3,
      scans: 4,
      constraint: 'c',
      restore: ['deep', 'attach deep'],
    }),
  ]);

  it('is taken as one', () => {
    expect(tree).toMatchObject({ scans: 7, sizeBytes: 2 * 8192, tableSizeBytes: 2 * 2 ** 30, locked: false });
    expect(tree && protectionsOf(tree)).toEqual(['deep backs constraint c']);
  });

  it('comes back parents first', () => {
    expect(tree && dropAction(tree)).toMatchObject({
      rollbackSql: ['root', 'leaf', 'attach leaf', 'middle', 'attach middle', 'deep', 'attach deep'],
      lockMode: 'ACCESS EXCLUSIVE',
    });
  });

  it('is locked as a whole, with everything else on its table', () => {
    const trees = toIndexTrees([
      indexDefinition({ name: 'root', oid: 1, partitioned: true }),
      indexDefinition({ name: 'leaf', oid: 2, parentOid: 1, tableOid: 2, locked: true }),
      indexDefinition({ name: 'other', oid: 3 }),
      indexDefinition({ name: 'elsewhere', oid: 4, tableOid: 3 }),
    ]);
    expect(trees.map(({ locked }) => locked)).toEqual([true, true, true, false]);
  });
});

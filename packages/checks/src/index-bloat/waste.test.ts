import { describe, expect, it } from 'vitest';
import { btreeWaste, hashWaste } from './waste.ts';

const btree = {
  method: 'btree' as const,
  sizeBytes: 8192 * 102,
  treeLevel: 1,
  internalPages: 1,
  leafPages: 100,
  emptyPages: 0,
  deletedPages: 0,
  leafDensity: 90,
  fillfactor: 90,
  blockBytes: 8192,
};

describe('the waste of a btree', () => {
  it.each([
    ['full leaves', {}, 0, 0],
    ['half-full leaves', { leafDensity: 45 }, 50, 0],
    ['leaves that are half full on purpose', { leafDensity: 50, fillfactor: 50 }, 0, 0],
    ['leaves that are fuller than asked for', { leafDensity: 96 }, 0, 0],
    ['pages that hold nothing', { leafPages: 11, deletedPages: 88, emptyPages: 1, leafDensity: 89.5 }, 89.1, 89],
    ['an emptied index', { leafPages: 1, deletedPages: 99, leafDensity: 0 }, 99, 99],
    ['an index without leaves', { sizeBytes: 8192, leafPages: 0, internalPages: 0, leafDensity: null }, 0, 0],
  ])('counts %s', (_, changes, percent, vacantPercent) => {
    expect(btreeWaste({ ...btree, ...changes })).toMatchObject({ percent, vacantPercent });
  });
});

describe('the waste of a hash index', () => {
  const hash = {
    method: 'hash' as const,
    sizeBytes: 8192 * 130,
    bucketPages: 128,
    overflowPages: 0,
    unusedPages: 0,
    fillfactor: 75,
  };

  it.each([
    ['a fresh one at its emptiest', 61.7, 0],
    ['one that has grown', 66.8, 11.5],
    ['one that lost nine rows of ten', 95, 86.7],
  ])('is at least that of %s', (_, freePercent, percent) => {
    expect(hashWaste({ ...hash, freePercent }).percent).toBeCloseTo(percent, 1);
  });
});

import { describe, expect, it } from 'vitest';
import type { IndexRow } from './read.ts';
import { suspicionOf } from './suspicion.ts';

const index = { sizeBytes: 1000, filenode: 1, estimatedTuples: 10 } as IndexRow;
const known = { filenode: 1, readAt: 1, waste: 0, vacant: 0, freshBytesPerTuple: null };

describe('the suspicion against an index', () => {
  it.each([
    ['all of one that was never measured', index, undefined, 1000],
    ['none below the threshold', index, { ...known, waste: 15 }, 0],
    ['what was measured of the same file', index, { ...known, waste: 30 }, 300],
    ['all of another file', { ...index, filenode: 2 }, { ...known, waste: 30 }, 1000],
    ['what its entries took more than when they were fresh', index, { ...known, freshBytesPerTuple: 60 }, 400],
    ['that in another file as well', { ...index, filenode: 2 }, { ...known, freshBytesPerTuple: 60 }, 400],
    ['none while it cannot be read', { ...index, sizeBytes: null }, undefined, 0],
  ])('is %s', (_, row, memory, bytes) => {
    expect(suspicionOf(row, memory, 20)).toBe(bytes);
  });
});

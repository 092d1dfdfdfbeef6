import { describe, expect, it } from 'vitest';
import { type HeapFigures, wasteOf } from './waste.ts';

/** Full pages of rows of 100 bytes. */
const heap: HeapFigures = {
  sizeBytes: 8192 * 100,
  scannedPercent: 100,
  liveRows: 7800,
  liveBytes: 780_000,
  deadRows: 0,
  deadPercent: 0,
  freePercent: 0,
  fillfactor: 100,
  blockBytes: 8192,
  openRowsCountAsDead: false,
};
const halfEmpty = { liveRows: 3900, liveBytes: 390_000 };

describe('the waste of a table', () => {
  it.each([
    ['nothing in full pages', {}, 0, 'dead_rows'],
    ['dead rows', { ...halfEmpty, deadPercent: 48 }, 48, 'dead_rows'],
    ['free space', { ...halfEmpty, freePercent: 48 }, 48, 'free_space'],
    ['both, named after the larger part', { ...halfEmpty, deadPercent: 20, freePercent: 28 }, 48, 'free_space'],
    ['no free space that the fillfactor leaves', { ...halfEmpty, freePercent: 50, fillfactor: 50 }, 0, 'dead_rows'],
    ['all of an emptied table', { liveRows: 0, liveBytes: 0, freePercent: 99 }, 99, 'free_space'],
    [
      'no space beside rows that fill more than half a page',
      { liveRows: 100, liveBytes: 413_000, freePercent: 49 },
      0,
      'free_space',
    ],
    ['pages without such rows', { liveRows: 50, liveBytes: 206_500, freePercent: 74 }, 50, 'free_space'],
    ['nothing in an empty file', { sizeBytes: 0, liveRows: 0, liveBytes: 0 }, 0, 'dead_rows'],
  ] as const)('is %s', (_, changes, percent, mainly) => {
    expect(wasteOf({ ...heap, ...changes })).toMatchObject({ percent, mainly });
  });

  it('counts the headers of pages that were not read as no part of the rows', () => {
    // Two rows of 4070 bytes a page would fit, one is there.
    const unread = { scannedPercent: 0, liveRows: 100, liveBytes: 100 * (4070 + 4 + 24), freePercent: 49.9 };
    expect(wasteOf({ ...heap, ...unread }).percent).toBe(49.9);
  });
});

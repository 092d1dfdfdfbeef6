import { expect, it } from 'vitest';
import { wasteOf } from './waste.ts';

const block = 8192;
const figures = (pages: number, internalPages: number, leafPages: number, leafDensity: number | null) => ({
  indexBytes: pages * block,
  internalPages,
  leafPages,
  leafDensity,
});

it('is nothing for an index packed to its fillfactor, and for one packed tighter', () => {
  expect(wasteOf(figures(102, 1, 100, 90), 90, block)).toEqual({ percent: 0, bytes: 0 });
  expect(wasteOf(figures(102, 1, 100, 95), 90, block)).toEqual({ percent: 0, bytes: 0 });
  expect(wasteOf(figures(102, 1, 100, 70), 70, block)).toEqual({ percent: 0, bytes: 0 });
});

it('is the room in the leaves beyond the fillfactor', () => {
  expect(wasteOf(figures(102, 1, 100, 45), 90, block)).toEqual({ percent: 50, bytes: 50 * block });
});

it('counts deleted and empty pages, which the density hides', () => {
  expect(wasteOf(figures(1002, 1, 110, 90), 90, block)).toEqual({ percent: 89, bytes: 890 * block });
});

it('is nothing for an index without data, and for one of a single page', () => {
  expect(wasteOf(figures(1, 0, 0, null), 90, block)).toEqual({ percent: 0, bytes: 0 });
  expect(wasteOf(figures(2, 0, 1, 1), 90, block)).toEqual({ percent: 0, bytes: 0 });
});

it('is all but one page for an index whose rows are gone', () => {
  expect(wasteOf(figures(101, 0, 0, null), 90, block)).toEqual({ percent: 99, bytes: 99 * block });
});

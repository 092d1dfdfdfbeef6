import { describe, expect, it } from 'vitest';
import { quantile, spread } from './statistics.ts';

describe('quantile', () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[1, 2, 3, 4], 0.5, 2.5],
    [[1, 2, 3, 4], 0, 1],
    [[1, 2, 3, 4], 1, 4],
    [[7], 0.99, 7],
    [[10, 20], 0.25, 12.5],
  ])('of %j at %d is %d', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });

  it('refuses an empty sample instead of saying NaN', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  it('leaves the sample in its order', () => {
    const values = [3, 1, 2];
    spread(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

it('spreads by quartiles', () => {
  expect(spread([5, 1, 4, 2, 3])).toEqual({ lower: 2, median: 3, upper: 4, count: 5 });
});

import { expect, it } from 'vitest';
import { retryDelaySeconds } from './retry-delay.ts';

it('doubles from one second and stays at a minute', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8, 1000].map(retryDelaySeconds)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

import { expect, it } from 'vitest';
import { interleave, ratio } from './rounds.ts';

it('measures by turns, every other round backwards, and forgets the warm-up', async () => {
  const order: string[] = [];
  const leg = (name: string, value: number) => () => {
    order.push(name);
    return Promise.resolve(value);
  };
  const rounds = await interleave({ rounds: 2, legs: { raw: leg('R', 4), product: leg('P', 2) } });
  expect(order.join('')).toBe('PRRPPR');
  expect(rounds.values).toEqual({ raw: [4, 4], product: [2, 2] });
  expect(rounds.calibrationMs).toHaveLength(2);
  expect(ratio(rounds, 'product', 'raw')).toEqual({ lower: 0.5, median: 0.5, upper: 0.5, count: 2 });
});

it('compares neighbours in time, not averages', () => {
  const rounds = { values: { raw: [1, 10, 100], product: [2, 20, 200] }, calibrationMs: [] };
  expect(ratio(rounds, 'product', 'raw')).toMatchObject({ lower: 2, median: 2, upper: 2 });
});

import { expect, it } from 'vitest';
import { PhaseRate } from './phase-rate.ts';

const at = (seconds: number, done: number, key = 'scan', total = 100) => ({ key, done, total, atMs: seconds * 1000 });

it('knows nothing before the third look', () => {
  const rate = new PhaseRate();
  expect([at(0, 0), at(1, 10), at(2, 20)].map((sample) => rate.add(sample))).toEqual([null, null, 8]);
});

it('starts afresh with another phase, another total, a counter that fell, or a phase without one', () => {
  const rate = new PhaseRate();
  for (const sample of [at(0, 0), at(1, 10), at(2, 20)]) rate.add(sample);
  expect(rate.add(at(3, 30, 'load'))).toBeNull();
  for (const sample of [at(4, 40, 'load'), at(5, 50, 'load')]) rate.add(sample);
  expect(rate.add(at(6, 60, 'load'))).toBe(4);
  expect(rate.add(at(7, 60, 'load', 200))).toBeNull();
  rate.add(at(8, 70, 'load', 200));
  expect(rate.add(at(9, 10, 'load', 200))).toBeNull();
  rate.add(at(10, 20, 'load', 200));
  rate.reset();
  expect(rate.add(at(11, 30, 'load', 200))).toBeNull();
});

it('says unknown while nothing moves', () => {
  const rate = new PhaseRate();
  expect([at(0, 5), at(1, 5), at(2, 5)].map((sample) => rate.add(sample))).toEqual([null, null, null]);
});

it('follows a phase that slows down, by its last ten looks', () => {
  const rate = new PhaseRate();
  for (let second = 0; second <= 10; second += 1) rate.add(at(second, second * 8));
  let rest: number | null = null;
  for (let second = 11; second <= 19; second += 1) rest = rate.add(at(second, 80 + (second - 10)));
  expect(rest).toBe(11);
});

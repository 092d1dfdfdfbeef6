import { describe, expect, it } from 'vitest';
import { patienceOf, pauseMs, recoveryTimes } from './recovery-times.ts';

describe('recovery times', () => {
  it('follow from the life of leases: a minute for a session, a quarter of an hour for everything', () => {
    expect(recoveryTimes(30_000)).toEqual({ waitMs: 60_000, giveUpMs: 900_000 });
    expect(patienceOf({ times: { lifeMs: 3_000 } })).toEqual({ waitMs: 6_000, giveUpMs: 90_000 });
    expect(patienceOf({ times: { lifeMs: 3_000 }, patience: { waitMs: 1, giveUpMs: 2 } }).waitMs).toBe(1);
  });

  it.each([
    [0, 1_000],
    [20_000, 5_000],
    [58_000, 2_000], // patience with a session ends in 2 s
    [59_900, 1_000],
    [120_000, 30_000],
    [600_000, 60_000],
    [880_000, 20_000], // everything ends in 20 s
    [5_000_000, 60_000],
  ])('look again, %i ms after the lease ran out, in %i ms', (expiredForMs, expected) => {
    expect(pauseMs(expiredForMs, recoveryTimes(30_000))).toBe(expected);
  });
});

import { describe, expect, it } from 'vitest';
import { robustSlope } from './robust-slope.ts';
import { wanderingSpread } from './wandering-spread.ts';

/** Dice that fall the same every time. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const points = (values: readonly number[]) => values.map((value, day) => ({ day, value }));

describe('wanderingSpread', () => {
  it('is nothing for a line, for what jumps to and fro about one, and for too few points', () => {
    expect(wanderingSpread(points([1, 3, 5, 7, 9, 11]), 2)).toBe(0);
    expect(wanderingSpread(points([0, 2, 0, 2, 0, 2, 0, 2]), 0)).toBe(0);
    expect(wanderingSpread(points([1, 5, 9]), 2)).toBe(0);
  });

  it('grows with the steps that chance gave, and shrinks with the days that were watched', () => {
    const steps = [0, 3, 3, 0, 0, 3, 3, 0, 0, 3, 3];
    const walk = (times: number) => {
      let value = 0;
      return points(Array.from({ length: 11 * times }, (_, at) => (value += (steps[at % 11] ?? 0) - 1.5)));
    };
    const short = wanderingSpread(walk(1), 0);
    expect(short).toBeGreaterThan(0.5);
    expect(wanderingSpread(walk(8), 0)).toBeLessThan(short / 2);
  });

  it('has the interval of a slope hold it about as often as it says, where a figure wanders', () => {
    const thrown = dice(5);
    const held = Array.from({ length: 400 }, () => {
      let value = 0;
      const line = robustSlope(points(Array.from({ length: 20 }, () => (value += 0.5 + thrown()))));
      return line !== undefined && line.low <= 1 && 1 <= line.high;
    });
    const share = held.filter(Boolean).length / held.length;
    expect(share).toBeGreaterThan(0.84);
    expect(share).toBeLessThan(0.96);
  });
});

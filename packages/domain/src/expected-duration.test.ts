import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedDuration, type PastDuration } from './expected-duration.ts';

const past = (object: string, sizeBytes: number | null, durationMs: number): PastDuration => ({
  object,
  sizeBytes,
  durationMs,
});

describe('expectedDuration', () => {
  it('is scaled by size, from the same object where it was worked on three times', () => {
    const others = Array.from({ length: 9 }, () => past('public.b', 1_000, 900_000));
    const own = [past('public.a', 1_000, 1_000), past('public.a', 1_000, 2_000), past('public.a', 1_000, 6_000)];
    const expected = expectedDuration({ object: 'public.a', sizeBytes: 2_000 }, [...others, ...own]);
    expect(expected).toMatchObject({ likely: 4, samples: 3 });
    expect(expected?.low).toBeCloseTo(2.4);
    expect(expected?.high).toBeCloseTo(10.4);
  });

  it('is from objects of like size before others, whose time goes elsewhere than to their bytes', () => {
    const small = Array.from({ length: 5 }, () => past('public.s', 8_192, 50));
    const like = Array.from({ length: 3 }, () => past('public.l', 1e9, 20_000));
    expect(expectedDuration({ object: 'public.a', sizeBytes: 2e9 }, [...small, ...like])?.likely).toBeCloseTo(40);
    expect(expectedDuration({ object: 'public.a', sizeBytes: 2e9 }, small)?.samples).toBe(5);
  });

  it('is not known from fewer than three, or without a size', () => {
    const two = [past('public.a', 1, 1), past('public.a', 1, 1), past('public.a', null, 1), past('public.a', 0, 1)];
    expect(expectedDuration({ object: 'public.a', sizeBytes: 1 }, two)).toBeNull();
    const three = [...two, past('public.b', 1, 1)];
    expect(expectedDuration({ object: 'public.a', sizeBytes: 1 }, three)?.samples).toBe(3);
    expect(expectedDuration({ object: 'public.a', sizeBytes: null }, three)).toBeNull();
    expect(expectedDuration({ object: 'public.a', sizeBytes: 0 }, three)).toBeNull();
  });

  const anyPast = fc.array(
    fc.record({
      object: fc.constantFrom('a', 'b', 'c'),
      sizeBytes: fc.option(fc.integer({ min: 0, max: 1e9 })),
      durationMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
    }),
    { maxLength: 30 },
  );
  const anySize = fc.integer({ min: 1, max: 1e9 });

  it('is an interval within what was seen, whatever was seen, in any order', () => {
    fc.assert(
      fc.property(anyPast, anySize, (all, sizeBytes) => {
        const expected = expectedDuration({ object: 'a', sizeBytes }, all);
        expect(expectedDuration({ object: 'a', sizeBytes }, all.toReversed())).toEqual(expected);
        if (expected === null) return;
        const { low, likely, high, samples } = expected;
        expect(samples).toBeGreaterThanOrEqual(3);
        expect(low).toBeLessThanOrEqual(likely);
        expect(likely).toBeLessThanOrEqual(high);
        const paces = all.flatMap((each) => (each.sizeBytes ? [each.durationMs / 1000 / each.sizeBytes] : []));
        const tolerance = 1 + 1e-9;
        expect(low * tolerance).toBeGreaterThanOrEqual(Math.min(...paces) * sizeBytes);
        expect(high).toBeLessThanOrEqual(Math.max(...paces) * sizeBytes * tolerance);
      }),
    );
  });
});

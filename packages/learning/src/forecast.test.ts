import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carryForward } from './carry-forward.ts';
import { forecast, latestSegment, type Reading } from './forecast.ts';
import { robustSlope } from './robust-slope.ts';

const now = new Date('2026-11-30T00:00:00Z');
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
/** A reading a day, the last one now. */
const series = (values: readonly number[], filenodes: readonly number[] = []): Reading[] =>
  values.map((value, position) => ({
    at: daysAgo(values.length - 1 - position),
    value,
    filenode: filenodes[position] ?? 1,
  }));
const line = (days: number, from: number, perDay: number) =>
  Array.from({ length: days }, (_, day) => from + perDay * day);

describe('robustSlope', () => {
  it('is the slope of a line, whatever a third of the points says', () => {
    const straight = line(30, 100, 2).map((value, day) => ({ day, value: day % 4 === 1 ? value * 50 : value }));
    expect(robustSlope(straight)?.slope).toBeCloseTo(2, 6);
  });

  it('holds the slope within its interval, and gives the line back for exact points', () => {
    const points = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(points, (values) => {
        const found = robustSlope(values.map((value, day) => ({ day, value })));
        expect(found?.low).toBeLessThanOrEqual(found?.slope ?? Number.NaN);
        expect(found?.high).toBeGreaterThanOrEqual(found?.slope ?? Number.NaN);
      }),
    );
  });

  it('knows no slope of points of one day', () => {
    expect(robustSlope([{ day: 1, value: 1 }])).toBeUndefined();
    expect(robustSlope(line(9, 1, 1).map((value) => ({ day: 1, value })))).toBeUndefined();
  });
});

describe('latestSegment', () => {
  it('begins anew where the file changed or the figure fell by more than a fifth', () => {
    expect(latestSegment(series([1, 2, 3, 4], [1, 1, 2, 2]), 0.8).map(({ value }) => value)).toEqual([3, 4]);
    expect(latestSegment(series([10, 11, 5, 6]), 0.8).map(({ value }) => value)).toEqual([5, 6]);
    expect(latestSegment(series([10, 9, 8, 7]), 0.8)).toHaveLength(4);
    expect(latestSegment([], 0.8)).toEqual([]);
  });
});

describe('forecast', () => {
  it('says plainly when there is not enough: six readings, or two days, or so soon after a rebuild', () => {
    expect(forecast(series(line(6, 1, 1)), { threshold: 100, now })).toEqual({
      kind: 'not_enough_data',
      readings: 6,
      spanDays: 5,
    });
    const hourly = line(48, 1, 1).map((value, hour) => ({ at: daysAgo((47 - hour) / 24), value, filenode: 1 }));
    expect(forecast(hourly, { threshold: 100, now })).toMatchObject({ kind: 'not_enough_data', readings: 48 });
    const rebuilt = series(line(30, 1, 1), [...Array<number>(27).fill(1), 2, 2, 2]);
    expect(forecast(rebuilt, { threshold: 100, now })).toMatchObject({ kind: 'not_enough_data', readings: 3 });
  });

  it('tells the days until the threshold, soonest and latest, and the error it would have made', () => {
    const noisy = line(30, 100, 2).map((value, day) => value + (day % 3) - 1);
    const found = forecast(series(noisy), { threshold: 200, now });
    expect(found).toMatchObject({ kind: 'forecast', horizonDays: 87, backTest: { points: 10 } });
    if (found.kind !== 'forecast') throw new Error('expected a forecast');
    expect(found.days.likely).toBeGreaterThan(18);
    expect(found.days.likely).toBeLessThan(24);
    expect(found.days.low).toBeLessThanOrEqual(found.days.likely);
    expect(found.days.high).toBeGreaterThanOrEqual(found.days.likely);
    expect(found.backTest?.errorPercent).toBeLessThan(2);
  });

  it('prints the error that is found by hand', () => {
    const values = [...line(20, 100, 1), ...Array<number>(10).fill(240)];
    const found = forecast(series(values), { threshold: 1_000, now });
    // From 100 on, 1 a day, days 20 to 29 are foretold as 120 to 129, in the middle 124.5, of 240.
    const errors = line(10, 120, 1).map((foretold) => (100 * (240 - foretold)) / 240);
    const middle = ((errors[4] ?? 0) + (errors[5] ?? 0)) / 2;
    expect('backTest' in found && found.backTest?.errorPercent).toBeCloseTo(middle, 6);
  });

  it('gives no date for what does not grow, what is there, and what is too far off', () => {
    expect(forecast(series(Array<number>(20).fill(5)), { threshold: 10, now }).kind).toBe('flat');
    expect(forecast(series(line(20, 100, -1)), { threshold: 200, now }).kind).toBe('flat');
    expect(forecast(series(line(20, 100, 5)), { threshold: 150, now })).toEqual({ kind: 'reached', value: 195 });
    expect(forecast(series(line(20, 100, 1)), { threshold: 1_000, now })).toMatchObject({
      kind: 'beyond_horizon',
      horizonDays: 57,
    });
  });

  it('is right about any straight growth, in any unit', () => {
    const growth = fc.record({
      days: fc.integer({ min: 8, max: 200 }),
      from: fc.double({ min: 1, max: 1e9, noNaN: true }),
      share: fc.double({ min: 0.01, max: 2, noNaN: true }),
      ahead: fc.double({ min: 0.1, max: 2.5, noNaN: true }),
    });
    fc.assert(
      fc.property(growth, ({ days, from, share, ahead }) => {
        const perDay = (from * share) / days;
        const likely = ahead * (days - 1);
        const values = line(days, from, perDay);
        const threshold = (values.at(-1) ?? 0) + perDay * likely;
        const found = forecast(series(values), { threshold, now });
        if (found.kind !== 'forecast') throw new Error(`expected a forecast, got ${found.kind}`);
        expect(found.days.likely / likely).toBeCloseTo(1, 3);
        expect(found.backTest?.errorPercent).toBeCloseTo(0, 3);
      }),
    );
  });
});

describe('carryForward', () => {
  it('fills the days on which nothing was kept with what stood before', () => {
    const kept = [
      { at: daysAgo(4), value: 1, filenode: null },
      { at: daysAgo(1), value: 2, filenode: null },
    ];
    expect(carryForward(kept, now).map(({ at, value }) => [at, value])).toEqual([
      [daysAgo(4), 1],
      [daysAgo(3), 1],
      [daysAgo(2), 1],
      [daysAgo(1), 2],
      [now, 2],
    ]);
    expect(carryForward([], now)).toEqual([]);
  });

  it('makes flat what never changed', () => {
    const once = carryForward([{ at: daysAgo(20), value: 7, filenode: null }], now);
    expect(forecast(once, { threshold: 10, now })).toMatchObject({ kind: 'flat', value: 7 });
  });
});

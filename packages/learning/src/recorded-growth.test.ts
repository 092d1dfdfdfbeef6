import { describe, expect, it } from 'vitest';
import { readGrowth, type Series } from '../test/recordings/recording.ts';
import { type Forecast, forecast, latestSegment, type Reading } from './forecast.ts';

const recording = readGrowth();
const hourMs = 3_600_000;
const start = new Date('2026-01-01T00:00:00Z');
const at = (step: number): Date => new Date(start.getTime() + step * recording.stepHours * hourMs);
const stepsADay = 24 / recording.stepHours;
/** No series comes near it: what is asked for is the slope and its error. */
const farOff = Number.MAX_VALUE;

/** Of the steps from `first` on, before `end`. */
function readingsOf({ readings }: Series, first = 0, end = readings.length): readonly Reading[] {
  return readings.slice(first, end).map((reading, position) => ({ ...reading, at: at(first + position) }));
}

type Known = Extract<Forecast, { kind: 'flat' | 'beyond_horizon' | 'forecast' }>;

function known(found: Forecast): Known {
  if (found.kind === 'not_enough_data' || found.kind === 'reached') throw new Error(`expected more than ${found.kind}`);
  return found;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [below = Number.NaN, above = Number.NaN] = [
    sorted[Math.ceil(sorted.length / 2) - 1],
    sorted[Math.floor(sorted.length / 2)],
  ];
  return (below + above) / 2;
}

/** Theil and Sen by the book. */
function lineBy(readings: readonly Reading[]): (day: number) => number {
  const points = readings.map(({ at: when, value }) => ({
    day: (when.getTime() - start.getTime()) / (24 * hourMs),
    value,
  }));
  const slope = medianOf(
    points.flatMap((a, position) => points.slice(position + 1).map((b) => (b.value - a.value) / (b.day - a.day))),
  );
  const intercept = medianOf(points.map(({ day, value }) => value - slope * day));
  return (day) => intercept + slope * day;
}

describe('recorded growth', () => {
  it('says what it was recorded on, and that its clock is made up', () => {
    expect(recording).toMatchObject({ server: expect.stringMatching(/^PostgreSQL \d/), stepHours: 24 });
    expect(recording.realSeconds).toBeLessThan(recording.stepHours * 3_600);
    expect(new Set(recording.series.map(({ gauge }) => gauge)).size).toBe(4);
  });

  it.each(recording.series.map((series) => [series.name, series] as const))(
    'of %s is foretold with the error that is found when the rest of the recording comes',
    (_, series) => {
      const steps = series.readings.length;
      const begin = series.rewrittenAtStep ?? 0;
      const held = begin + Math.ceil(((steps - begin) * 2) / 3);
      const printed = known(forecast(readingsOf(series), { threshold: farOff, now: at(steps - 1) })).backTest;

      // As if it were that day: what is to come is not known.
      const then = known(forecast(readingsOf(series, 0, held), { threshold: farOff, now: at(held - 1) }));
      const byHand = lineBy(readingsOf(series, begin, held));
      const errors = readingsOf(series, held).map(({ value }, position) => {
        const day = (position + 1) / stepsADay;
        const foretold = then.value + then.perDay.likely * day;
        expect(foretold / byHand((held - 1) / stepsADay + day)).toBeCloseTo(1, 9);
        return (100 * Math.abs(foretold - value)) / Math.abs(value);
      });
      expect(printed).toEqual({ errorPercent: expect.closeTo(medianOf(errors), 9), points: steps - held });
    },
  );

  it.each(
    recording.series
      .filter(({ rewrittenAtStep }) => rewrittenAtStep !== null)
      .map((each) => [each.name, each] as const),
  )('of %s is cut at the step at which it was rewritten, also where nothing but the fall tells', (_, series) => {
    const withoutFiles = readingsOf(series).map((reading) => ({ ...reading, filenode: null }));
    for (const readings of [readingsOf(series), withoutFiles]) {
      expect(latestSegment(readings, 0.8)[0]?.at).toEqual(at(series.rewrittenAtStep ?? -1));
    }
  });

  it.each(['steady', 'wandering'] as const)(
    'holds the true slope of %s growth in its interval as often as it says',
    (growth) => {
      const windows = recording.series
        .filter(
          (series) => series.growth === growth && series.gauge === 'size_bytes' && series.rewrittenAtStep === null,
        )
        .flatMap((series) =>
          [0, 1, 2].map((third) => {
            const length = Math.floor(series.readings.length / 3);
            const readings = readingsOf(series, third * length, (third + 1) * length);
            const { perDay } = known(forecast(readings, { threshold: farOff, now: at((third + 1) * length - 1) }));
            const truth = (series.truePerStep ?? Number.NaN) * stepsADay;
            return perDay.low <= truth && truth <= perDay.high;
          }),
        );
      const share = windows.filter(Boolean).length / windows.length;
      // Nine of ten; two standard deviations of the binomial distribution less.
      expect(windows.length).toBeGreaterThanOrEqual(60);
      expect(share).toBeGreaterThanOrEqual(0.9 - 2 * Math.sqrt((0.9 * 0.1) / windows.length));
    },
  );
});

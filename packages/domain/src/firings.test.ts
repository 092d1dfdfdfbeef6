import { CronExpressionParser } from 'cron-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { latestFirings, nextFiring, nextFirings, previousFiring } from './firings.ts';

const iso = (dates: readonly (Date | null)[]) => dates.map((date) => date?.toISOString().slice(0, 19));
const berlin = 'Europe/Berlin';

describe('nextFirings', () => {
  test.each([
    ['30 2 * * *', '2027-03-27T00:00:00Z', ['2027-03-27T01:30:00', '2027-03-28T01:30:00', '2027-03-29T00:30:00']],
    ['30 2 * * *', '2026-10-24T00:00:00Z', ['2026-10-24T00:30:00', '2026-10-25T00:30:00', '2026-10-26T01:30:00']],
    ['*/30 2 * * *', '2026-10-25T00:00:00Z', ['2026-10-25T00:30:00', '2026-10-26T01:00:00', '2026-10-26T01:30:00']],
    ['0 * * * *', '2027-03-28T00:00:00Z', ['2027-03-28T01:00:00', '2027-03-28T02:00:00', '2027-03-28T03:00:00']],
    ['0 * * * *', '2026-10-24T23:30:00Z', ['2026-10-25T00:00:00', '2026-10-25T01:00:00', '2026-10-25T02:00:00']],
  ])('%s in Berlin after %s, when clocks change', (expression, after, expected) => {
    expect(iso(nextFirings(expression, berlin, new Date(after), 3))).toEqual(expected);
  });

  test.each([
    ['0 3 29 2 *', ['2028-02-29T03:00:00', '2032-02-29T03:00:00', '2036-02-29T03:00:00']],
    ['0 3 L * *', ['2026-11-30T03:00:00', '2026-12-31T03:00:00', '2027-01-31T03:00:00']],
    ['0 3 L 2 *', ['2027-02-28T03:00:00', '2028-02-29T03:00:00', '2029-02-28T03:00:00']],
    ['0 1 * * 0#1', ['2026-12-06T01:00:00', '2027-01-03T01:00:00', '2027-02-07T01:00:00']],
    ['0 3 31 * *', ['2026-12-31T03:00:00', '2027-01-31T03:00:00', '2027-03-31T03:00:00']],
    ['0 3 13 * 5', ['2026-11-27T03:00:00', '2026-12-04T03:00:00', '2026-12-11T03:00:00']],
    ['@daily', ['2026-11-23T00:00:00', '2026-11-24T00:00:00', '2026-11-25T00:00:00']],
    ['15 0 0 * * *', ['2026-11-23T00:00:15', '2026-11-24T00:00:15', '2026-11-25T00:00:15']],
  ])('%s in UTC after 2026-11-22', (expression, expected) => {
    expect(iso(nextFirings(expression, 'UTC', new Date('2026-11-22T12:00:00Z'), 3))).toEqual(expected);
  });

  test('a time in the hour that is left out at midnight does not fire that day', () => {
    const after = new Date('2026-09-05T00:00:00Z');
    expect(iso(nextFirings('30 0 * * *', 'America/Santiago', after, 2))).toEqual([
      '2026-09-05T04:30:00',
      '2026-09-07T03:30:00',
    ]);
    expect(iso(nextFirings('0 1 * * *', 'America/Santiago', after, 2))).toEqual([
      '2026-09-05T05:00:00',
      '2026-09-06T04:00:00',
    ]);
  });

  // cron-parser takes half a second to give up, and more on a busy machine.
  test('goes on where cron-parser gives up: clocks that go back by half an hour', { timeout: 60_000 }, () => {
    const after = new Date('2026-04-03T17:00:00Z');
    expect(() =>
      CronExpressionParser.parse('0 3 * * *', { currentDate: after, tz: 'Australia/Lord_Howe' }).next(),
    ).toThrow();
    expect(iso(nextFirings('0 3 * * *', 'Australia/Lord_Howe', after, 2))).toEqual([
      '2026-04-04T16:30:00',
      '2026-04-05T16:30:00',
    ]);
  });

  test('are never the instant asked from, and none when none are wanted', () => {
    const due = new Date('2026-11-22T03:00:00Z');
    expect(nextFiring('0 3 * * *', 'UTC', due)?.toISOString()).toBe('2026-11-23T03:00:00.000Z');
    expect(nextFiring('0 3 * * *', 'UTC', new Date(due.getTime() - 1))).toEqual(due);
    expect(nextFirings('0 3 * * *', 'UTC', due, 0)).toEqual([]);
  });
});

describe('previousFiring', () => {
  test.each([
    ['0 3 * * *', 'UTC', '2026-11-22T03:00:00Z', '2026-11-21T03:00:00'],
    ['0 3 * * *', 'UTC', '2026-11-22T03:00:00.001Z', '2026-11-22T03:00:00'],
    ['0 3 29 2 *', 'UTC', '2026-11-22T03:00:00Z', '2024-02-29T03:00:00'],
    ['@secondly', 'UTC', '2026-11-22T03:00:00.500Z', '2026-11-22T03:00:00'],
    ['30 2 * * *', berlin, '2026-10-25T12:00:00Z', '2026-10-25T00:30:00'],
    ['30 2 * * *', berlin, '2026-10-25T01:10:00Z', '2026-10-25T00:30:00'],
    ['30 2 * * *', berlin, '2027-03-28T12:00:00Z', '2027-03-28T01:30:00'],
    ['0 3 * * *', 'America/Santiago', '2026-09-06T20:00:00Z', '2026-09-06T06:00:00'],
  ])('%s in %s before %s', (expression, timezone, before, expected) => {
    expect(iso([previousFiring(expression, timezone, new Date(before))])).toEqual([expected]);
  });
});

test('latestFirings finds the newest in a burst that ended long ago', () => {
  const span = { after: new Date('2026-11-01T00:00:00Z'), upTo: new Date('2026-11-28T12:00:00Z') };
  const latest = latestFirings('* * * * 0', 'UTC', span, 3);
  expect(iso(latest)).toEqual(['2026-11-22T23:57:00', '2026-11-22T23:58:00', '2026-11-22T23:59:00']);
});

/** A field as a set of values: `*` when null. */
const field = (min: number, max: number) =>
  fc.option(fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }));
const anyCron = fc.record({
  minute: field(0, 59),
  hour: field(0, 23),
  day: field(1, 28),
  month: field(1, 12),
  weekday: field(0, 6),
});
type Cron = typeof anyCron extends fc.Arbitrary<infer T> ? T : never;
const text = ({ minute, hour, day, month, weekday }: Cron) =>
  [minute, hour, day, month, weekday].map((values) => values?.join(',') ?? '*').join(' ');

/** Whether a minute matches, by the rules of cron alone and clocks as `Intl` shows them. */
function matches(cron: Cron, clock: Intl.DateTimeFormat, at: Date): boolean {
  const part = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
  const has = (values: readonly number[] | null, value: number) => values === null || values.includes(value);
  const hasDay =
    cron.day && cron.weekday
      ? has(cron.day, day) || has(cron.weekday, weekday)
      : has(cron.day, day) && has(cron.weekday, weekday);
  return second === 0 && has(cron.minute, minute) && has(cron.hour, hour) && has(cron.month, month) && hasDay;
}
const clockOf = (timeZone: string) =>
  new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
const anyInstant = fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });

test('firings strictly increase, each matches, and going back from one gives the one before', () => {
  const zones = ['UTC', 'Asia/Kolkata', 'America/Phoenix', 'Pacific/Kiritimati', 'Africa/Lagos'];
  fc.assert(
    fc.property(anyCron, anyInstant, fc.constantFrom(...zones), (cron, after, zone) => {
      const firings = nextFirings(text(cron), zone, after, 5);
      const clock = clockOf(zone);
      expect(firings).toHaveLength(5);
      let before = after;
      for (const firing of firings) {
        expect(firing.getTime()).toBeGreaterThan(before.getTime());
        expect(matches(cron, clock, firing)).toBe(true);
        before = firing;
      }
      const [first, second] = firings;
      expect(previousFiring(text(cron), zone, second ?? after)).toEqual(first);
    }),
    { numRuns: 40 },
  );
});

test('no matching minute is left out', () => {
  const clock = clockOf('UTC');
  fc.assert(
    fc.property(anyCron, anyInstant, (cron, after) => {
      const next = nextFiring(text(cron), 'UTC', after);
      const until = Math.min(next?.getTime() ?? 0, after.getTime() + 400 * 60_000);
      for (let at = Math.floor(after.getTime() / 60_000 + 1) * 60_000; at < until; at += 60_000) {
        expect(matches(cron, clock, new Date(at))).toBe(false);
      }
    }),
    { numRuns: 40 },
  );
});

test('is what BullMQ computes, in any zone', () => {
  fc.assert(
    fc.property(anyCron, anyInstant, fc.constantFrom(...Intl.supportedValuesOf('timeZone')), (cron, after, tz) => {
      fc.pre(tz !== 'Australia/Lord_Howe');
      const theirs = CronExpressionParser.parse(text(cron), { currentDate: after, tz }).next().getTime();
      expect(nextFiring(text(cron), tz, after)?.getTime()).toBe(theirs);
    }),
    { numRuns: 50 },
  );
});

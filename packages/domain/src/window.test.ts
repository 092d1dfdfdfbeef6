import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WindowHours } from './schedule.ts';
import { isWithinWindow, windowClosesAt } from './window.ts';

const minuteMs = 60_000;
const day = (time: string) => new Date(`2026-11-22T${time}Z`);
const night = { startHour: 22, endHour: 4 };
const morning = { startHour: 2, endHour: 4 };

describe('isWithinWindow', () => {
  test.each([
    [morning, '01:59:59.999', false],
    [morning, '02:00:00.000', true],
    [morning, '03:59:59.999', true],
    [morning, '04:00:00.000', false],
    [night, '21:59:59.999', false],
    [night, '22:00:00.000', true],
    [night, '00:00:00.000', true],
    [night, '03:59:59.999', true],
    [night, '04:00:00.000', false],
    [{ startHour: 5, endHour: 5 }, '12:00:00.000', true],
    [{ startHour: 23, endHour: 0 }, '23:30:00.000', true],
    [{ startHour: 23, endHour: 0 }, '00:00:00.000', false],
    [null, '12:00:00.000', true],
  ])('%j at %s: %s', (window, time, expected) => {
    expect(isWithinWindow(window, day(time))).toBe(expected);
  });
});

describe('windowClosesAt', () => {
  test.each([
    [morning, '02:30:00.000', '2026-11-22T04:00:00.000Z'],
    [night, '23:59:59.999', '2026-11-23T04:00:00.000Z'],
    [night, '03:00:00.000', '2026-11-22T04:00:00.000Z'],
    [{ startHour: 20, endHour: 0 }, '20:00:00.000', '2026-11-23T00:00:00.000Z'],
    [morning, '12:34:56.789', '2026-11-22T12:34:56.789Z'],
  ])('%j at %s closes at %s', (window, time, expected) => {
    expect(windowClosesAt(window, day(time))?.toISOString()).toBe(expected);
  });

  test('never, for the whole day and without a window', () => {
    expect(windowClosesAt({ startHour: 5, endHour: 5 }, day('12:00:00'))).toBeNull();
    expect(windowClosesAt(null, day('12:00:00'))).toBeNull();
  });
});

/** Walks from the opening minute by minute through one day, marking each minute it passes. */
function openMinutes({ startHour, endHour }: WindowHours): ReadonlySet<number> {
  const open = new Set<number>();
  for (let minute = startHour * 60; ; ) {
    open.add(minute);
    minute = (minute + 1) % 1440;
    if (minute === endHour * 60) return open;
  }
}
const minuteOfDayInUtc = (at: Date) => {
  const [, hour = '', minute = ''] = /T(\d\d):(\d\d)/.exec(at.toISOString()) ?? [];
  return Number(hour) * 60 + Number(minute);
};

/** The instant at which clocks in a zone read `wallMs` (as if UTC); where that is left out, one nearby. */
function instantOfReading(zone: Intl.DateTimeFormat, wallMs: number): Date {
  let guess = wallMs;
  for (let round = 0; round < 2; round += 1) {
    const part = Object.fromEntries(zone.formatToParts(guess).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day: date = 1, hour = 0, minute = 0, second = 0 } = part;
    guess += wallMs - (Date.UTC(year, month - 1, date, hour, minute, second) + (((guess % 1000) + 1000) % 1000));
  }
  return new Date(guess);
}

test('agrees with a walk minute by minute, whatever the local reading in any IANA zone', () => {
  const hour = fc.nat(23);
  const anyWindow = fc.record({ startHour: hour, endHour: hour });
  const anyReading = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2040, 0) });
  const samples = fc.sample(fc.tuple(anyWindow, anyReading), Intl.supportedValuesOf('timeZone').length);
  for (const [index, name] of Intl.supportedValuesOf('timeZone').entries()) {
    const zone = new Intl.DateTimeFormat('en-GB', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    const [window, reading] = samples[index] ?? [morning, 0];
    const now = instantOfReading(zone, reading);
    const open = openMinutes(window);
    const message = `${JSON.stringify(window)} at ${now.toISOString()}, in ${name}`;
    expect(isWithinWindow(window, now), message).toBe(open.has(minuteOfDayInUtc(now)));

    let walked = 0;
    while (walked <= 1440 && open.has(minuteOfDayInUtc(new Date(now.getTime() + walked * minuteMs)))) walked += 1;
    const closing = new Date(Math.floor(now.getTime() / minuteMs + walked) * minuteMs);
    const expected = walked === 0 ? now : walked > 1440 ? null : closing;
    expect(windowClosesAt(window, now), message).toEqual(expected);
  }
});

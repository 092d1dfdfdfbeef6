import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DueTicksInput, dueTicks } from './due-ticks.ts';
import { nextFiring } from './firings.ts';

const date = (text: string) => new Date(`${text}Z`);
function due(
  schedule: Partial<DueTicksInput['schedule']>,
  now: string,
  options: Pick<DueTicksInput, 'limit' | 'graceMs'> = {},
) {
  const daily = {
    cronExpression: '0 3 * * *',
    timezone: 'UTC',
    misfirePolicy: 'run_once',
    misfireMax: 10,
    catchUpSeconds: 86_400,
    nextDueAt: null,
  } as const;
  const result = dueTicks({ schedule: { ...daily, ...schedule }, now: date(now), ...options });
  const show = (at: Date | null) => at?.toISOString().slice(0, 19) ?? null;
  return { ...result, runs: result.runs.map(show), missed: result.missed.map(show), nextDueAt: show(result.nextDueAt) };
}
/** Where cron-parser gives up it does so after half a second of work, and more on a busy machine. */
const patient = { timeout: 60_000 };
const nothingLeftOut = { count: 0, exact: true };
const nextDueAt = date('2026-11-22T03:00:00');

describe('dueTicks', () => {
  test('nothing is due before its time, or of a disabled schedule', () => {
    expect(due({ nextDueAt }, '2026-11-22T02:59:59.999')).toEqual({
      runs: [],
      missed: [],
      leftOut: nothingLeftOut,
      nextDueAt: '2026-11-22T03:00:00',
    });
    expect(due({ nextDueAt: null }, '2026-11-22T04:00:00')).toMatchObject({ runs: [], missed: [], nextDueAt: null });
  });

  test.each(['run_once', 'skip'] as const)('a tick on time runs under %s', (misfirePolicy) => {
    expect(due({ nextDueAt, misfirePolicy }, '2026-11-22T03:00:00')).toEqual({
      runs: ['2026-11-22T03:00:00'],
      missed: [],
      leftOut: nothingLeftOut,
      nextDueAt: '2026-11-23T03:00:00',
    });
  });

  test('run_once runs the latest of several, however late, and the others are missed', () => {
    expect(due({ nextDueAt }, '2026-11-24T20:00:00')).toEqual({
      runs: ['2026-11-24T03:00:00'],
      missed: ['2026-11-22T03:00:00', '2026-11-23T03:00:00'],
      leftOut: nothingLeftOut,
      nextDueAt: '2026-11-25T03:00:00',
    });
  });

  test('skip runs the latest within the grace and misses it beyond', () => {
    const schedule = { nextDueAt, misfirePolicy: 'skip' } as const;
    expect(due(schedule, '2026-11-22T03:01:00')).toMatchObject({ runs: ['2026-11-22T03:00:00'], missed: [] });
    expect(due(schedule, '2026-11-22T03:01:00.001')).toMatchObject({ runs: [], missed: ['2026-11-22T03:00:00'] });
    expect(due(schedule, '2026-11-22T03:04:00', { graceMs: 300_000 })).toMatchObject({ runs: ['2026-11-22T03:00:00'] });
    expect(due(schedule, '2026-11-23T09:00:00')).toMatchObject({
      runs: [],
      missed: ['2026-11-22T03:00:00', '2026-11-23T03:00:00'],
      nextDueAt: '2026-11-24T03:00:00',
    });
  });

  test('keeps the newest missed ticks and says how many it left out', () => {
    const hourly = { cronExpression: '0 * * * *', nextDueAt };
    expect(due(hourly, '2026-11-22T13:00:00', { limit: 3 })).toMatchObject({
      runs: ['2026-11-22T13:00:00'],
      missed: ['2026-11-22T10:00:00', '2026-11-22T11:00:00', '2026-11-22T12:00:00'],
      leftOut: { count: 7, exact: true },
    });
    expect(due(hourly, '2026-11-22T13:00:00', { limit: 0 })).toMatchObject({
      runs: ['2026-11-22T13:00:00'],
      missed: [],
      leftOut: { count: 10, exact: true },
    });
  });

  test('stays bounded for a schedule of every second that slept for a month', () => {
    expect(due({ cronExpression: '@secondly', nextDueAt }, '2026-12-22T03:00:00', { limit: 2 })).toEqual({
      runs: ['2026-12-22T03:00:00'],
      missed: ['2026-12-22T02:59:58', '2026-12-22T02:59:59'],
      leftOut: { count: 1000, exact: false },
      nextDueAt: '2026-12-22T03:00:01',
    });
  });

  test('gives no rows to ticks that are older than anything that may be caught up with', () => {
    const { runs, missed, leftOut } = due({ nextDueAt }, '2027-11-22T03:00:00');
    expect(runs).toEqual(['2027-11-22T03:00:00']);
    expect([missed.length, missed[0], missed.at(-1)]).toEqual([31, '2027-10-22T03:00:00', '2027-11-21T03:00:00']);
    expect(leftOut).toEqual({ count: 366 - 32, exact: true });
  });

  test('a due time that the expression would not give counts all the same', () => {
    expect(due({ nextDueAt: date('2026-11-22T02:15:00') }, '2026-11-22T03:30:00')).toMatchObject({
      runs: ['2026-11-22T03:00:00'],
      missed: ['2026-11-22T02:15:00'],
    });
  });

  test('a repeated hour fires once, even when it is dispatched late within the repetition', () => {
    const schedule = {
      cronExpression: '30 2 * * *',
      timezone: 'Europe/Berlin',
      nextDueAt: date('2026-10-25T00:30:00'),
    };
    expect(due(schedule, '2026-10-25T01:10:00')).toMatchObject({
      runs: ['2026-10-25T00:30:00'],
      nextDueAt: '2026-10-26T01:30:00',
    });
  });

  test('run_all runs the newest ticks, as many as it may, and misses the older ones', () => {
    const schedule = { nextDueAt, misfirePolicy: 'run_all', misfireMax: 2, catchUpSeconds: 10 * 86_400 } as const;
    expect(due(schedule, '2026-11-25T20:00:00')).toEqual({
      runs: ['2026-11-24T03:00:00', '2026-11-25T03:00:00'],
      missed: ['2026-11-22T03:00:00', '2026-11-23T03:00:00'],
      leftOut: nothingLeftOut,
      nextDueAt: '2026-11-26T03:00:00',
    });
    expect(due({ ...schedule, misfireMax: 100 }, '2026-11-25T20:00:00')).toMatchObject({ missed: [] });
    const minutely = { ...schedule, cronExpression: '* * * * *', misfireMax: 3 };
    expect(due(minutely, '2026-11-24T03:00:00', { limit: 2 })).toMatchObject({
      runs: ['2026-11-24T02:58:00', '2026-11-24T02:59:00', '2026-11-24T03:00:00'],
      missed: ['2026-11-24T02:56:00', '2026-11-24T02:57:00'],
      leftOut: { count: 1000, exact: false },
    });
  });

  test.each(['run_once', 'run_all'] as const)('%s does not catch up with a tick that is too late', (misfirePolicy) => {
    const schedule = { nextDueAt, misfirePolicy, catchUpSeconds: 3_600 };
    expect(due(schedule, '2026-11-22T04:00:00')).toMatchObject({ runs: ['2026-11-22T03:00:00'], missed: [] });
    expect(due(schedule, '2026-11-22T04:00:00.001')).toMatchObject({ runs: [], missed: ['2026-11-22T03:00:00'] });
  });

  test('a catch-up of nothing still runs what is on time', () => {
    const schedule = { nextDueAt, catchUpSeconds: 0 };
    expect(due(schedule, '2026-11-22T03:01:00')).toMatchObject({ runs: ['2026-11-22T03:00:00'], missed: [] });
    expect(due(schedule, '2026-11-22T03:01:00.001')).toMatchObject({ runs: [], missed: ['2026-11-22T03:00:00'] });
  });

  test.each([
    // In spring 02:30 is left out and fires at 03:30; in autumn it comes twice and fires the first time.
    [
      '30 2 * * *',
      'Europe/Berlin',
      '2027-03-27T01:30:00',
      3,
      ['2027-03-27T01:30', '2027-03-28T01:30', '2027-03-29T00:30'],
    ],
    [
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T00:30:00',
      3,
      ['2026-10-24T00:30', '2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      '0 3 * * *',
      'Australia/Lord_Howe',
      '2026-04-03T16:00:00',
      3,
      ['2026-04-03T16:00', '2026-04-04T16:30', '2026-04-05T16:30'],
    ],
    ['0 3 29 2 *', 'UTC', '2024-02-29T03:00:00', 4 * 366, ['2024-02-29T03:00', '2028-02-29T03:00']],
  ] as const)(
    'catches up with %s in %s from %s on over %i days',
    patient,
    (cronExpression, timezone, from, days, expected) => {
      const schedule = {
        cronExpression,
        timezone,
        nextDueAt: date(from),
        misfirePolicy: 'run_all',
        misfireMax: 100,
      } as const;
      const now = new Date(date(from).getTime() + days * 86_400_000 - 5 * 3_600_000).toISOString().slice(0, 19);
      const { runs, missed } = due({ ...schedule, catchUpSeconds: 1e9 }, now);
      expect(runs).toEqual(expected.map((minute) => `${minute}:00`));
      expect(missed).toEqual([]);
    },
  );

  test(
    'every due tick either runs, is missed or is left out, in this order of age, and the next one is in the future',
    patient,
    () => {
      const expressions = ['*/7 * * * *', '0 */2 * * *', '15 3 * * *', '0 4 * * 1-5', '30 2,3 * * *', '*/20 1-3 * * *'];
      const rounded = (days: readonly string[]) => days.map((day) => new Date(day).getTime());
      const changes = rounded(['2026-03-28T20:00Z', '2026-10-24T20:00Z', '2027-03-14T00:00Z', '2027-11-07T00:00Z']);
      const anyInput = fc.record({
        cronExpression: fc.constantFrom(...expressions),
        timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'America/Santiago'),
        misfirePolicy: fc.constantFrom('skip' as const, 'run_once' as const, 'run_all' as const),
        misfireMax: fc.integer({ min: 1, max: 12 }),
        catchUpSeconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 * 3_600 })),
        fromMs: fc.oneof(
          fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 11, 31) }),
          fc.constantFrom(...changes),
        ),
        sleepMs: fc.integer({ min: 0, max: 20 * 3_600_000 }),
        limit: fc.integer({ min: 0, max: 20 }),
      });
      fc.assert(
        fc.property(anyInput, ({ fromMs, sleepMs, limit, ...rule }) => {
          const next = (after: Date) => nextFiring(rule.cronExpression, rule.timezone, after) ?? after;
          const first = next(new Date(fromMs));
          const now = new Date(first.getTime() + sleepMs);
          const firings = [first];
          for (let at = first; at <= now; firings.push(at)) at = next(at);
          const expected = firings.slice(0, -1);
          const { runs, missed, leftOut, nextDueAt } = dueTicks({
            schedule: { ...rule, nextDueAt: first },
            now,
            limit,
          });
          const told = [...missed, ...runs];
          expect(told.length + leftOut.count).toBe(expected.length);
          expect(told).toEqual(expected.slice(expected.length - told.length));
          expect(nextDueAt).toEqual(firings.at(-1));
          expect(missed.length).toBeLessThanOrEqual(limit);
          expect(runs.length).toBeLessThanOrEqual(rule.misfirePolicy === 'run_all' ? rule.misfireMax : 1);
          const latestMs = rule.misfirePolicy === 'skip' ? 60_000 : Math.max(60_000, rule.catchUpSeconds * 1000);
          for (const at of runs) expect(now.getTime() - at.getTime()).toBeLessThanOrEqual(latestMs);
          // Nothing that may run is missed for another reason than the bound on how many.
          const mayRun = missed.filter((at) => now.getTime() - at.getTime() <= latestMs);
          if (mayRun.length > 0) expect(runs).toHaveLength(rule.misfirePolicy === 'run_all' ? rule.misfireMax : 1);
        }),
        { numRuns: 40 },
      );
    },
  );
});

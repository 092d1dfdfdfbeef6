import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DueTicksInput, dueTicks } from './due-ticks.ts';
import { nextFirings } from './firings.ts';

const date = (text: string) => new Date(`${text}Z`);
function due(
  schedule: Partial<DueTicksInput['schedule']>,
  now: string,
  options: Pick<DueTicksInput, 'limit' | 'graceMs'> = {},
) {
  const daily = { cronExpression: '0 3 * * *', timezone: 'UTC', misfirePolicy: 'run_once', nextDueAt: null } as const;
  const result = dueTicks({ schedule: { ...daily, ...schedule }, now: date(now), ...options });
  const show = (at: Date | null) => at?.toISOString().slice(0, 19) ?? null;
  return { ...result, run: show(result.run), missed: result.missed.map(show), nextDueAt: show(result.nextDueAt) };
}
const nothingLeftOut = { count: 0, exact: true };
const nextDueAt = date('2026-11-22T03:00:00');

describe('dueTicks', () => {
  test('nothing is due before its time, or of a disabled schedule', () => {
    expect(due({ nextDueAt }, '2026-11-22T02:59:59.999')).toEqual({
      run: null,
      missed: [],
      leftOut: nothingLeftOut,
      nextDueAt: '2026-11-22T03:00:00',
    });
    expect(due({ nextDueAt: null }, '2026-11-22T04:00:00')).toMatchObject({ run: null, missed: [], nextDueAt: null });
  });

  test.each(['run_once', 'skip'] as const)('a tick on time runs under %s', (misfirePolicy) => {
    expect(due({ nextDueAt, misfirePolicy }, '2026-11-22T03:00:00')).toEqual({
      run: '2026-11-22T03:00:00',
      missed: [],
      leftOut: nothingLeftOut,
      nextDueAt: '2026-11-23T03:00:00',
    });
  });

  test('run_once runs the latest of several, however late, and the others are missed', () => {
    expect(due({ nextDueAt }, '2026-11-24T20:00:00')).toEqual({
      run: '2026-11-24T03:00:00',
      missed: ['2026-11-22T03:00:00', '2026-11-23T03:00:00'],
      leftOut: nothingLeftOut,
      nextDueAt: '2026-11-25T03:00:00',
    });
  });

  test('skip runs the latest within the grace and misses it beyond', () => {
    const schedule = { nextDueAt, misfirePolicy: 'skip' } as const;
    expect(due(schedule, '2026-11-22T03:01:00')).toMatchObject({ run: '2026-11-22T03:00:00', missed: [] });
    expect(due(schedule, '2026-11-22T03:01:00.001')).toMatchObject({ run: null, missed: ['2026-11-22T03:00:00'] });
    expect(due(schedule, '2026-11-22T03:04:00', { graceMs: 300_000 })).toMatchObject({ run: '2026-11-22T03:00:00' });
    expect(due(schedule, '2026-11-23T09:00:00')).toMatchObject({
      run: null,
      missed: ['2026-11-22T03:00:00', '2026-11-23T03:00:00'],
      nextDueAt: '2026-11-24T03:00:00',
    });
  });

  test('keeps the newest missed ticks and says how many it left out', () => {
    const hourly = { cronExpression: '0 * * * *', nextDueAt };
    expect(due(hourly, '2026-11-22T13:00:00', { limit: 3 })).toMatchObject({
      run: '2026-11-22T13:00:00',
      missed: ['2026-11-22T10:00:00', '2026-11-22T11:00:00', '2026-11-22T12:00:00'],
      leftOut: { count: 7, exact: true },
    });
    expect(due(hourly, '2026-11-22T13:00:00', { limit: 0 })).toMatchObject({
      run: '2026-11-22T13:00:00',
      missed: [],
      leftOut: { count: 10, exact: true },
    });
  });

  test('stays bounded for a schedule of every second that slept for a month', () => {
    expect(due({ cronExpression: '@secondly', nextDueAt }, '2026-12-22T03:00:00', { limit: 2 })).toEqual({
      run: '2026-12-22T03:00:00',
      missed: ['2026-12-22T02:59:58', '2026-12-22T02:59:59'],
      leftOut: { count: 1000, exact: false },
      nextDueAt: '2026-12-22T03:00:01',
    });
  });

  test('a due time that the expression would not give counts all the same', () => {
    expect(due({ nextDueAt: date('2026-11-22T02:15:00') }, '2026-11-22T03:30:00')).toMatchObject({
      run: '2026-11-22T03:00:00',
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
      run: '2026-10-25T00:30:00',
      nextDueAt: '2026-10-26T01:30:00',
    });
  });

  test('every due tick is accounted for, and the next one is in the future', () => {
    const expressions = ['*/7 * * * *', '0 */2 * * *', '15 3 * * *', '0 4 * * 1-5', '30 2,3 * * *'];
    const anyInput = fc.record({
      cronExpression: fc.constantFrom(...expressions),
      timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
      misfirePolicy: fc.constantFrom('skip' as const, 'run_once' as const),
      from: fc.date({ min: new Date('2026-01-01'), max: new Date('2027-12-31'), noInvalidDate: true }),
      sleepMs: fc.integer({ min: 0, max: 20 * 3_600_000 }),
      limit: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(anyInput, ({ from, sleepMs, limit, ...rule }) => {
        const [first = from, ...later] = nextFirings(rule.cronExpression, rule.timezone, from, 200);
        const now = new Date(first.getTime() + sleepMs);
        const expected = [first, ...later.filter((at) => at <= now)];
        const result = dueTicks({ schedule: { ...rule, nextDueAt: first }, now, limit });
        const told = [...result.missed, ...(result.run ? [result.run] : [])];
        expect(told.length + result.leftOut.count).toBe(expected.length);
        expect(told).toEqual(expected.slice(expected.length - told.length));
        expect(result.nextDueAt).toEqual(later.find((at) => at > now));
        expect(result.missed.length).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 15 },
    );
  });
});

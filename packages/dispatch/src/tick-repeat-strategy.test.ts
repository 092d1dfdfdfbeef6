import { nextFiring } from '@slacktide/domain';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tickRepeatStrategy } from './tick-repeat-strategy.ts';

const rules = [
  { pattern: '*/7 * * * *', tz: 'Europe/Berlin' },
  { pattern: '0 3 * * *', tz: 'Europe/Berlin' },
  { pattern: '0 3 * * *', tz: 'America/New_York' },
  { pattern: '0 0 29 2 *', tz: 'UTC' },
];

it('is the firing that the ledger counts on, in whatever order it is asked', () => {
  const strategy = tickRepeatStrategy();
  // An hour in which no clock changes: across a change, a search from amid the hour may find less.
  const anyMillis = fc.integer({ min: Date.UTC(2026, 5, 1), max: Date.UTC(2026, 5, 3) });
  fc.assert(
    fc.property(fc.constantFrom(...rules), anyMillis, (rule, millis) => {
      expect(strategy(millis, rule)).toBe(nextFiring(rule.pattern, rule.tz, new Date(millis))?.getTime());
    }),
    { numRuns: 200 },
  );
});

it('goes on through the autumn of Lord Howe, where cron-parser gives up', { timeout: 60_000 }, async () => {
  const strategy = tickRepeatStrategy();
  const rule = { pattern: '0 3 * * *', tz: 'Australia/Lord_Howe' };
  const firings: string[] = [];
  let at = Date.UTC(2026, 3, 3, 0);
  for (let count = 0; count < 3; count += 1) {
    at = (await strategy(at, rule)) ?? Number.NaN;
    firings.push(new Date(at).toISOString());
  }
  expect(firings).toEqual(['2026-04-03T16:00:00.000Z', '2026-04-04T16:30:00.000Z', '2026-04-05T16:30:00.000Z']);
});

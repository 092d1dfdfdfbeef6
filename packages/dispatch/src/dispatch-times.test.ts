import { expect, it } from 'vitest';
import { retryDelayMs, dispatchTimes as t } from './dispatch-times.ts';

it('relates its times as their description says', () => {
  expect(t.commandSocketTimeoutMs).toBeLessThan(t.commandLimitMs);
  expect(t.workerSocketTimeoutMs).toBeLessThan(t.lockMs / 2);
  expect(t.blockForMs).toBeLessThan(t.blockingSocketTimeoutMs);
});

it('backs off to a minute and no further', () => {
  expect([1, 2, 3, 7, 100].map((attempt) => retryDelayMs(attempt, 0))).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  expect(retryDelayMs(1, 1)).toBe(800);
  expect(retryDelayMs(100, 1)).toBe(48_000);
});

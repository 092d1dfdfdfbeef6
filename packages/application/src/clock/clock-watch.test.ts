import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClockWatch } from './clock-watch.ts';

const ledgerNow = new Date('2026-11-22T03:00:00.000Z');

/** A process whose clock is off by `offMs`, and a ledger that answers in the middle of `roundTripMs`. */
async function measured(offMs: number, roundTripMs: number): Promise<ClockWatch> {
  const watch = new ClockWatch(() => new Date(ledgerNow.getTime() - roundTripMs / 2 + offMs), 'worker');
  const measuring = watch.measure(() => new Promise((resolve) => setTimeout(resolve, roundTripMs, ledgerNow)));
  await vi.advanceTimersByTimeAsync(roundTripMs);
  await measuring;
  return watch;
}

describe('ClockWatch', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    [0, 0, undefined],
    [0, 900, undefined],
    [2_000, 400, undefined],
    [-2_000, 400, undefined],
    [2_001, 400, "the clock of this worker is 2 s ahead of the ledger's"],
    [-7_200_000, 2, "the clock of this worker is 7200 s behind the ledger's"],
  ])('of a clock off by %i ms, over a round trip of %i ms, says %s', async (offMs, roundTripMs, complaint) => {
    const watch = await measured(offMs, roundTripMs);
    expect(watch.skewMs).toBe(offMs);
    expect(watch.complaint).toBe(complaint);
  });

  it('carries the time of the ledger on, whatever is done to its own clock', async () => {
    const watch = await measured(7_200_000, 200);
    expect(watch.ledgerNowMs).toBe(ledgerNow.getTime() + 100);
    vi.setSystemTime(0);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(watch.ledgerNowMs).toBe(ledgerNow.getTime() + 5_100);
  });

  it('believes no answer that was long under way, and keeps its verdict while the ledger is away', async () => {
    const watch = await measured(3_600_000, 10);
    const late = watch.measure(() => new Promise((resolve) => setTimeout(resolve, 1_001, new Date())));
    await vi.advanceTimersByTimeAsync(1_001);
    await late;
    expect(watch.skewMs).toBe(3_600_000);
    await expect(watch.measure(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(watch.complaint).toBeDefined();
  });
});

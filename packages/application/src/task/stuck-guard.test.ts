import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StuckGuard } from './stuck-guard.ts';

function setup() {
  const exit = vi.fn();
  const guard = new StuckGuard({ stopGraceMs: 100, stopLimitMs: 1_000 }, exit);
  const work = Promise.withResolvers<void>();
  return { exit, guard, work, during: () => guard.during(() => work.promise) };
}

describe('StuckGuard', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['lease_lost', 100],
    ['cancelled', 1_000],
    ['time_limit', 1_000],
  ] as const)('after %s lets the work stop for %i ms, then ends the process', async (reason, limitMs) => {
    const { guard, exit, during } = setup();
    void during();
    await vi.advanceTimersByTimeAsync(5_000);
    guard.told(reason);
    await vi.advanceTimersByTimeAsync(limitMs - 1);
    expect(exit).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(exit).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(reason));
  });

  it('leaves the process alone once the work has stopped, and while there is none', async () => {
    const { guard, exit, during, work } = setup();
    const working = during();
    guard.told('lease_lost');
    work.resolve();
    await working;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(exit).not.toHaveBeenCalled();
  });

  it('counts from the telling, not from the beginning of work that starts all the same', async () => {
    const { guard, exit, during } = setup();
    guard.told('lease_lost');
    await vi.advanceTimersByTimeAsync(60);
    expect(exit).not.toHaveBeenCalled();
    void during();
    await vi.advanceTimersByTimeAsync(39);
    expect(exit).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(exit).toHaveBeenCalledTimes(1);
  });

  it('takes the lost lease of work that was already stopping for another reason more seriously', async () => {
    const { guard, exit, during } = setup();
    void during();
    guard.told('cancelled');
    await vi.advanceTimersByTimeAsync(500);
    guard.told('lease_lost');
    await vi.advanceTimersByTimeAsync(100);
    expect(exit).toHaveBeenCalledWith(expect.stringContaining('lease_lost'));
  });

  it('is not put off by a milder reason that comes later', async () => {
    const { guard, exit, during } = setup();
    void during();
    guard.told('lease_lost');
    guard.told('draining');
    await vi.advanceTimersByTimeAsync(100);
    expect(exit).toHaveBeenCalledTimes(1);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startLoop } from './loop.ts';

describe('startLoop', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs at once, then at the interval, and no more after stop', async () => {
    const run = vi.fn(async () => undefined);
    const loop = startLoop({ everyMs: 100, run, onError: vi.fn() });
    expect(run).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(250);
    expect(run).toHaveBeenCalledTimes(3);
    await loop.stop();
    await vi.advanceTimersByTimeAsync(500);
    expect(run).toHaveBeenCalledTimes(3);
  });

  it('never overlaps: waking while it runs makes one more run afterwards', async () => {
    const ends: (() => void)[] = [];
    const run = vi.fn(() => new Promise<void>((resolve) => void ends.push(resolve)));
    const loop = startLoop({ everyMs: 10_000, run, onError: vi.fn() });
    loop.wake();
    loop.wake();
    await vi.advanceTimersByTimeAsync(50);
    expect(run).toHaveBeenCalledTimes(1);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(1);
    expect(run).toHaveBeenCalledTimes(2);
    ends[1]?.();
    await loop.stop();
  });

  it('tells a rejection and goes on', async () => {
    const onError = vi.fn();
    const run = vi.fn(async () => undefined).mockRejectedValueOnce(new Error('away'));
    const loop = startLoop({ everyMs: 100, run, onError });
    await vi.advanceTimersByTimeAsync(100);
    expect(onError).toHaveBeenCalledWith(expect.objectContaining({ message: 'away' }));
    expect(run).toHaveBeenCalledTimes(2);
    await loop.stop();
  });

  it('waits, when stopped, for the run in hand', async () => {
    const { promise, resolve: end } = Promise.withResolvers<void>();
    const loop = startLoop({
      everyMs: 100,
      run: () => promise,
      onError: vi.fn(),
    });
    const stopped = vi.fn();
    const stopping = loop.stop().then(stopped);
    await vi.advanceTimersByTimeAsync(0);
    expect(stopped).not.toHaveBeenCalled();
    end();
    await stopping;
    expect(stopped).toHaveBeenCalled();
  });
});

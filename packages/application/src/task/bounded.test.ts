import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../app-error.ts';
import { untilAborted, withinMs } from './bounded.ts';
import { persistently, whileLeased } from './persistently.ts';

const never = new Promise<never>(() => undefined);
const away = new AppError('ledger_unavailable', 'away');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('withinMs', () => {
  it('settles as the work does, or rejects when the time is up', async () => {
    expect(await withinMs(10, Promise.resolve(1))).toBe(1);
    const late = expect(withinMs(10, never)).rejects.toThrow('no answer within 10 ms');
    await vi.advanceTimersByTimeAsync(10);
    await late;
  });
});

describe('untilAborted', () => {
  it('does not wait for what does not answer once it is aborted', async () => {
    const controller = new AbortController();
    const waiting = expect(untilAborted(controller.signal, never)).rejects.toThrow('stop');
    controller.abort(new Error('stop'));
    await waiting;
    await expect(untilAborted(controller.signal, Promise.resolve(1))).rejects.toThrow('stop');
  });

  it('settles as the work does, whose late rejection harms nobody', async () => {
    const controller = new AbortController();
    expect(await untilAborted(controller.signal, Promise.resolve(1))).toBe(1);
    const work = Promise.withResolvers<never>();
    const waiting = expect(untilAborted(controller.signal, work.promise)).rejects.toThrow('stop');
    controller.abort(new Error('stop'));
    await waiting;
    work.reject(new Error('late'));
    await vi.advanceTimersByTimeAsync(0);
  });
});

describe('whileLeased', () => {
  it('rides out an absence of the ledger', async () => {
    const work = vi
      .fn(async () => 'there')
      .mockRejectedValueOnce(away)
      .mockRejectedValueOnce(away);
    const answer = whileLeased(new AbortController().signal, work);
    await vi.advanceTimersByTimeAsync(300);
    expect(await answer).toBe('there');
    expect(work).toHaveBeenCalledTimes(3);
  });

  it('ends with the lease', async () => {
    const controller = new AbortController();
    const answer = expect(whileLeased(controller.signal, () => Promise.reject(away))).rejects.toThrow('lost');
    await vi.advanceTimersByTimeAsync(5_000);
    controller.abort(new Error('lost'));
    await answer;
  });

  it('rejects with every other error at once', async () => {
    const work = vi.fn(() => Promise.reject(new Error('a fault')));
    await expect(whileLeased(new AbortController().signal, work)).rejects.toThrow('a fault');
    expect(work).toHaveBeenCalledTimes(1);
  });
});

describe('persistently', () => {
  it('gives up after its time, with the last error', async () => {
    const work = vi.fn(() => Promise.reject(away));
    const answer = expect(persistently(work, 1_000)).rejects.toBe(away);
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
    expect(work).toHaveBeenCalledTimes(4); // after 0, 100, 300 and 700 ms
  });
});

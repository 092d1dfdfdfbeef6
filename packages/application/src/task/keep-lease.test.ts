import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClaimedTask, LeaseRequest } from '../ports/index.ts';
import { keepLease, type LeaseKeeper } from './keep-lease.ts';
import { leaseTimes } from './lease-times.ts';
import { TaskAbort } from './task-abort.ts';

const times = { ...leaseTimes(30_000), lifeMs: 300, renewEveryMs: 100, renewTimeoutMs: 80 };
// The keeper only hands these two on; it looks at nothing inside them.
const claimed = {} as ClaimedTask;
const lease = {} as LeaseRequest;

function setup(answers: { ledger?: () => Promise<unknown>; redis?: () => Promise<unknown>; provenAtMs?: number } = {}) {
  const renew = vi.fn(answers.ledger ?? (async () => ({ kind: 'held', cancelRequested: false })));
  const renewInRedis = vi.fn(answers.redis ?? (async () => 'held'));
  const abort = vi.fn();
  const keeper = keepLease({
    executions: { renew: renew as never },
    leases: { renew: renewInRedis as never },
    claimed,
    lease,
    times,
    abort,
    ...(answers.provenAtMs === undefined ? {} : { provenAtMs: answers.provenAtMs }),
  });
  return { keeper, renew, renewInRedis, abort };
}

/** With what is in flight given its time. */
async function stop(keeper: LeaseKeeper): Promise<void> {
  const stopped = keeper.stop();
  await vi.advanceTimersByTimeAsync(times.renewTimeoutMs);
  await stopped;
}

describe('keepLease', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('renews in ledger and Redis every third of the life, until stopped', async () => {
    const { keeper, renew, renewInRedis, abort } = setup();
    await vi.advanceTimersByTimeAsync(350);
    expect([renew.mock.calls.length, renewInRedis.mock.calls.length]).toEqual([3, 3]);
    await keeper.stop();
    await vi.advanceTimersByTimeAsync(1000);
    expect(renew).toHaveBeenCalledTimes(3);
    expect(abort).not.toHaveBeenCalled();
  });

  it.each([
    ['the ledger gave the right to somebody else', async () => ({ kind: 'lost' })],
    ['the ledger is away', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['the ledger does not answer in time', () => new Promise(() => undefined)],
  ])('aborts when %s', async (_, ledger) => {
    const { keeper, abort } = setup({ ledger });
    await vi.advanceTimersByTimeAsync(200);
    expect(abort.mock.calls[0]).toEqual(['lease_lost']);
    await stop(keeper);
  });

  it('aborts as cancelled when the ledger says so', async () => {
    const { keeper, abort } = setup({ ledger: async () => ({ kind: 'held', cancelRequested: true }) });
    await vi.advanceTimersByTimeAsync(100);
    expect(abort).toHaveBeenCalledWith('cancelled');
    await keeper.stop();
  });

  it('renews on time however slow Redis is', async () => {
    const { keeper, renew, abort } = setup({ redis: () => new Promise(() => undefined) });
    await vi.advanceTimersByTimeAsync(950);
    expect(renew).toHaveBeenCalledTimes(9);
    expect(abort).not.toHaveBeenCalled();
    await stop(keeper);
  });

  it('counts from when the claim was sent, however long its answer took', async () => {
    const { keeper, renew } = setup({ provenAtMs: performance.now() - 70 });
    await vi.advanceTimersByTimeAsync(30);
    expect(renew).toHaveBeenCalledTimes(1);
    await keeper.stop();
  });

  it('knows, when the process stood still for longer than the life, that nothing is proven any more', async () => {
    const { keeper, abort } = setup();
    vi.setSystemTime(Date.now() + 3_600_000); // the wall clock means nothing
    expect(() => keeper.assertHeld()).not.toThrow();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + times.lifeMs);
    expect(() => keeper.assertHeld()).toThrow(new TaskAbort('lease_lost'));
    expect(abort).toHaveBeenCalledWith('lease_lost');
    clock.mockRestore();
    await keeper.stop();
  });

  it('does not take a lease in Redis any more once it is lost in the ledger', async () => {
    const { keeper, renewInRedis } = setup({ ledger: async () => ({ kind: 'lost' }) });
    await vi.advanceTimersByTimeAsync(350);
    expect(renewInRedis).toHaveBeenCalledTimes(1);
    await keeper.stop();
  });

  it('goes on while Redis is away, but stops when Redis says that somebody else has the lease', async () => {
    const away = setup({ redis: () => Promise.reject(new Error('ECONNREFUSED')) });
    await vi.advanceTimersByTimeAsync(350);
    expect(away.abort).not.toHaveBeenCalled();
    await away.keeper.stop();
    const lost = setup({ redis: async () => 'lost' });
    await vi.advanceTimersByTimeAsync(100);
    expect(lost.abort).toHaveBeenCalledWith('lease_lost');
    await lost.keeper.stop();
  });
});

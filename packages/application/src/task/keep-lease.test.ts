import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClaimedTask, LeaseRequest } from '../ports/index.ts';
import { keepLease } from './keep-lease.ts';
import { defaultLeaseTimes } from './lease-times.ts';

const times = { ...defaultLeaseTimes, lifeMs: 300, renewEveryMs: 100, renewTimeoutMs: 80 };
// The keeper only hands these two on; it looks at nothing inside them.
const claimed = {} as ClaimedTask;
const lease = {} as LeaseRequest;

function setup(answers: { ledger?: () => Promise<unknown>; redis?: () => Promise<unknown> } = {}) {
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
  });
  return { keeper, renew, renewInRedis, abort };
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
    await keeper.stop();
  });

  it('aborts as cancelled when the ledger says so', async () => {
    const { keeper, abort } = setup({ ledger: async () => ({ kind: 'held', cancelRequested: true }) });
    await vi.advanceTimersByTimeAsync(100);
    expect(abort).toHaveBeenCalledWith('cancelled');
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

describe('lease times', () => {
  it('leave room to stop before a successor may start: renewal interval plus its limit stay below the life', () => {
    const { lifeMs, renewEveryMs, renewTimeoutMs } = defaultLeaseTimes;
    expect(renewEveryMs * 3).toBeLessThanOrEqual(lifeMs);
    expect(renewEveryMs + renewTimeoutMs).toBeLessThan(lifeMs);
  });
});

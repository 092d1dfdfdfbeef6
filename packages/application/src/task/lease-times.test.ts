import { describe, expect, it } from 'vitest';
import { leaseTimes } from './lease-times.ts';

describe.each([3_000, 10_000, 30_000, 600_000])('the times of a lease of %i ms', (lifeMs) => {
  const { renewEveryMs, renewTimeoutMs, stopGraceMs, stopLimitMs } = leaseTimes(lifeMs);

  it('leave no moment in which a worker without proof goes on while another may start', () => {
    expect(renewEveryMs + renewTimeoutMs + stopGraceMs).toBeLessThan(lifeMs);
  });

  it('leave the server a twelfth of the life to end the statement of a process that is gone', () => {
    expect(lifeMs - (renewEveryMs + renewTimeoutMs + stopGraceMs)).toBeGreaterThanOrEqual(lifeMs / 12);
  });

  it('end one renewal before the next is due', () => {
    expect(renewTimeoutMs).toBeLessThan(renewEveryMs);
  });

  it('give work that still has its lease more time to clean up', () => {
    if (lifeMs <= 30_000) expect(stopLimitMs).toBeGreaterThan(stopGraceMs);
  });
});

import { expect, it } from 'vitest';
import { defaultTimings as timings } from './timings.ts';

it('keeps an idle session alive with room for a lost keep-alive', () => {
  expect(3 * timings.keepAliveMs).toBeLessThan(timings.idleSessionTimeoutMs);
});

it('gives a session up only after the server did, so that its lock is free', () => {
  // tcp_user_timeout 6 s and client_connection_check_interval 1 s.
  expect(timings.answerDeadlineMs).toBeGreaterThan(7_000);
});

it('cancels before it terminates, and terminates before it destroys', () => {
  expect(timings.cancelRetryMs).toBeLessThan(1_000);
  expect(timings.terminateAfterMs).toBeGreaterThanOrEqual(5_000);
  expect(timings.terminateAfterMs).toBeLessThanOrEqual(10_000);
  expect(timings.destroyAfterMs).toBeGreaterThan(timings.terminateAfterMs + 2_000);
});

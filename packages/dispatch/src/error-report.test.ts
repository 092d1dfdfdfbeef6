import { expect, it } from 'vitest';
import { withoutRepeats } from './error-report.ts';

it('tells each fault once, and the same message again only after a while', () => {
  let nowMs = 0;
  const told: string[] = [];
  const report = withoutRepeats(
    (error, source) => told.push(`${source}: ${error.message}`),
    () => nowMs,
  );
  const lost = new Error('connection lost');
  report(lost, 'redis');
  report(lost, 'index-rebuild');
  report(new Error('connection lost'), 'checkpoint');
  report(new Error('missing lock'), 'checkpoint');
  nowMs = 10_000;
  report(new Error('connection lost'), 'ticks');
  expect(told).toEqual(['redis: connection lost', 'checkpoint: missing lock', 'ticks: connection lost']);
});

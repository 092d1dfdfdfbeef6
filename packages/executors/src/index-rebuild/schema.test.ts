import { throttleLimits } from '@slacktide/domain';
import { expect, it } from 'vitest';
import { taskType } from './schema.ts';

it('has a default for every key', () => {
  const { throttle, ...config } = taskType.config.parse({});
  expect(throttle).toEqual(throttleLimits.parse({}));
  expect(config).toEqual({
    indexes: [],
    tables: [],
    schemas: [],
    bloat_threshold: 40,
    min_size_mb: 1,
    max_indexes: 10,
    max_measured_mb: 4096,
    max_total_mb: 102_400,
    cooldown_days: 7,
    heed_advice: true,
    gate: 'wait',
    gate_timeout_seconds: 60,
    lock_timeout_seconds: 30,
    max_blocking_seconds: 10,
  });
});

it.each([
  { unknown: 1 },
  { bloat_threshold: 101 },
  { bloat_threshold: -1 },
  { max_indexes: 0 },
  { max_total_mb: 0 },
  { cooldown_days: -1 },
  { heed_advice: 'yes' },
  { gate: 'never' },
  { lock_timeout_seconds: 0 },
  { lock_timeout_seconds: 1.5 },
  { indexes: ['a\0b'] },
  { indexes: [''] },
  { tables: 'orders' },
])('refuses %j', (config) => {
  expect(taskType.config.safeParse(config).success).toBe(false);
});

import { expect, it } from 'vitest';
import { taskType } from './schema.ts';

it('has a default for every key', () => {
  expect(taskType.config.parse({})).toEqual({
    indexes: [],
    tables: [],
    schemas: [],
    bloat_threshold: 40,
    min_size_mb: 1,
    max_indexes: 10,
    max_measured_mb: 4096,
    gate: 'wait',
    gate_timeout_seconds: 60,
    lock_timeout_seconds: 30,
  });
});

it.each([
  { unknown: 1 },
  { bloat_threshold: 101 },
  { bloat_threshold: -1 },
  { max_indexes: 0 },
  { gate: 'never' },
  { lock_timeout_seconds: 0 },
  { lock_timeout_seconds: 1.5 },
  { indexes: ['a\0b'] },
  { indexes: [''] },
  { tables: 'orders' },
])('refuses %j', (config) => {
  expect(taskType.config.safeParse(config).success).toBe(false);
});

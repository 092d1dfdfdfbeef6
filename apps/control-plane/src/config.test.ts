import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const needed = { DATABASE_URL: 'postgresql://ledger', REDIS_URL: 'redis://127.0.0.1' };

describe('CUSTOM_TASKS', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['off', false],
    ['on', true],
  ])('%j means %j', (value, customTasks) => {
    expect(readConfig({ ...needed, CUSTOM_TASKS: value })).toMatchObject({ customTasks });
  });

  it.each(['ON', 'true', '1', 'yes', ' on'])('refuses %j: nobody should have to guess', (value) => {
    expect(() => readConfig({ ...needed, CUSTOM_TASKS: value })).toThrow('CUSTOM_TASKS');
  });
});

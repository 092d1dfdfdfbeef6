import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

const read = (env: Record<string, string>) =>
  readConfig(
    { DATABASE_URL: 'postgresql://ledger', REDIS_URL: 'redis://queues', ...env },
    { taskTypes: [], concurrency: 1 },
  );

describe('FILE_ROOTS', () => {
  it('are none unless named', () => {
    expect(read({}).fileRoots).toEqual([]);
    expect(read({ FILE_ROOTS: '' }).fileRoots).toEqual([]);
    expect(read({ FILE_ROOTS: '/var/log/postgresql:/srv/ä b' }).fileRoots).toEqual(['/var/log/postgresql', '/srv/ä b']);
  });

  it.each(['/', 'var/log', '/var/log/', '/var/../etc', '/var//log', '/var/log:', './x'])('refuses %j', (roots) => {
    expect(() => read({ FILE_ROOTS: roots })).toThrow(/FILE_ROOTS: expected absolute folders/);
  });
});

describe('CUSTOM_TASKS', () => {
  it.each([
    ['', false],
    ['off', false],
    ['on', true],
  ])('%j means %j', (value, customTasks) => {
    expect(read({ CUSTOM_TASKS: value })).toMatchObject({ customTasks });
  });

  it('is off unless somebody says so, whichever task types are served', () => {
    expect(read({}).customTasks).toBe(false);
  });

  it.each(['ON', 'true', '1', 'yes', ' on'])('refuses %j: nobody should have to guess', (value) => {
    expect(() => read({ CUSTOM_TASKS: value })).toThrow('CUSTOM_TASKS');
  });
});

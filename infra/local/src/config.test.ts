import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkout } from './checkout.ts';
import { readConfig } from './config.ts';

it('needs nothing to be set', () => {
  expect(readConfig({})).toMatchObject({
    port: undefined,
    home: join(checkout, '.slacktide'),
    databaseUrl: undefined,
    redisUrl: undefined,
  });
});

it('takes an empty variable for one that is not set', () => {
  expect(readConfig({ PORT: '', REDIS_URL: '', SLACKTIDE_HOME: '' })).toEqual({
    ...readConfig({}),
    environment: expect.anything(),
  });
});

it('reads a home relative to the checkout', () => {
  expect(readConfig({ SLACKTIDE_HOME: 'there' }).home).toBe(join(checkout, 'there'));
  expect(readConfig({ SLACKTIDE_HOME: '/elsewhere' }).home).toBe('/elsewhere');
});

it.each([
  ['PORT', 'seven'],
  ['PORT', '70000'],
  ['DATABASE_URL', 'mysql://root:hush@localhost/x'],
  ['REDIS_URL', 'http://:hush@localhost'],
])('refuses %s=%s by name, without repeating it', (name, value) => {
  const read = () => readConfig({ [name]: value });
  expect(read).toThrow(name);
  expect(read).not.toThrow(value);
});

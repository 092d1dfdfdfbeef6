import { expect, it } from 'vitest';
import { judgeRedis } from './redis-probe.ts';

const info = (fields: Record<string, string>): string =>
  Object.entries({
    redis_version: '7.2.4',
    maxmemory_policy: 'noeviction',
    used_memory: '900',
    maxmemory: '0',
    aof_enabled: '1',
    ...fields,
  })
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('');

it('is content with a Redis as it should be', () => {
  expect(judgeRedis(info({}))).toEqual({ status: 'HEALTHY', message: 'version 7.2.4, noeviction, AOF on' });
  expect(judgeRedis(info({ aof_enabled: '0' })).message).toContain('AOF off');
});

it('fails a Redis that evicts, and names the cure', () => {
  const verdict = judgeRedis(info({ maxmemory_policy: 'allkeys-lru' }));
  expect(verdict.status).toBe('UNHEALTHY');
  expect(verdict.message).toContain('CONFIG SET maxmemory-policy noeviction');
});

it('fails a Redis that does not say whether it evicts', () => {
  expect(judgeRedis('redis_version:7.2.4\r\n').status).toBe('UNHEALTHY');
});

it.each([
  ['nearly full', { used_memory: '950', maxmemory: '1000' }, '95 % full'],
  ['old', { redis_version: '6.0.16' }, 'older than 6.2'],
])('warns of one that is %s', (_, fields, message) => {
  const verdict = judgeRedis(info(fields));
  expect(verdict.status).toBe('DEGRADED');
  expect(verdict.message).toContain(message);
});

it('reads the version of a Valkey', () => {
  expect(judgeRedis(info({ valkey_version: '8.1.0' })).message).toContain('version 8.1.0');
});

it('says the worst, and all of it', () => {
  const verdict = judgeRedis(info({ maxmemory_policy: 'volatile-ttl', redis_version: '5.0.0' }));
  expect(verdict.status).toBe('UNHEALTHY');
  expect(verdict.message).toMatch(/volatile-ttl.*older than/);
});

import { expect, inject, it } from 'vitest';
import { startRedis } from '../../../test/support/redis.ts';
import { openDispatch } from './dispatch.fixture.ts';

it('finds a Redis that keeps what it is given healthy', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  expect(await dispatch.redisProbe()).toMatchObject({
    status: 'HEALTHY',
    message: expect.stringContaining('noeviction'),
  });
});

it('finds one that may evict unhealthy', async () => {
  const server = await startRedis({ flags: ['maxmemory-policy allkeys-lru'] });
  try {
    await using dispatch = openDispatch(server.url);
    expect(await dispatch.redisProbe()).toEqual({
      status: 'UNHEALTHY',
      code: 'redis_may_evict',
      message: expect.stringMatching(/maxmemory-policy is allkeys-lru.*CONFIG SET maxmemory-policy noeviction/),
    });
  } finally {
    await server.stop();
  }
});

it('says so when Redis is full', async () => {
  const server = await startRedis({ flags: ['maxmemory 100kb'] });
  try {
    await using dispatch = openDispatch(server.url);
    expect(await dispatch.redisProbe()).toMatchObject({
      status: 'DEGRADED',
      message: expect.stringContaining('% full'),
    });
  } finally {
    await server.stop();
  }
});

import { Redis } from 'ioredis';
import { expect, inject, it } from 'vitest';
import { startRedis } from './redis.ts';

it('starts a Redis as BullMQ needs it, keeps nothing on disk, and lets flags win', async () => {
  const server = await startRedis({ flags: ['databases 3'] });
  const redis = new Redis(server.url);
  try {
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    expect(await redis.config('GET', 'save')).toEqual(['save', '']);
    expect(await redis.config('GET', 'databases')).toEqual(['databases', '3']);
  } finally {
    redis.disconnect();
    await server.stop();
  }
  expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
});

it('is there for every file of the run', async () => {
  const redis = new Redis(inject('redisUrl'));
  try {
    expect(await redis.ping()).toBe('PONG');
  } finally {
    redis.disconnect();
  }
});

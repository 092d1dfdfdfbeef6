import { expect, it, vi } from 'vitest';
import { startRedis } from '../../../test/support/redis.ts';
import { flowOf, openDispatch, task } from './dispatch.fixture.ts';

/** ioredis takes a script for loaded once it was sent over a socket, and within a transaction never learns that it is not. */
it.each([
  ['was full when they were first sent', 'full'],
  ['has forgotten them', 'forgotten'],
] as const)('adds flows again although Redis lacks its scripts: it %s', async (_why, kind) => {
  const server = await startRedis();
  try {
    await using dispatch = openDispatch(server.url);
    const { redis } = dispatch;
    if (kind === 'full') {
      await redis.config('SET', 'maxmemory', '1mb');
      await expect(dispatch.flows.add(flowOf([task()]))).rejects.toThrow('Redis is away');
      await redis.config('SET', 'maxmemory', '0');
    } else {
      await dispatch.flows.add(flowOf([task()]));
      await redis.script('FLUSH');
    }
    const flow = flowOf([task()]);
    await vi.waitFor(() => dispatch.flows.add(flow), { timeout: 20_000 });
    expect(await redis.exists(`${dispatch.prefix}:finalise:${flow.jobId}-${flow.generation}`)).toBe(1);
  } finally {
    await server.stop();
  }
});

import type { LeaseRequest } from '@slacktide/application/ports';
import { expect, inject, it, vi } from 'vitest';
import { startRedis } from '../../../test/support/redis.ts';
import { openDispatch, type TestDispatch } from './dispatch.fixture.ts';

/** Tries until it holds: other work may have the machine meanwhile. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 5 });

const acquired = { kind: 'acquired' };
const long = 60_000;
const lease = (overrides: Partial<LeaseRequest>): LeaseRequest => ({
  targetId: 'shop',
  access: 'act',
  holder: 'task-a',
  fence: 1,
  lifeMs: long,
  ...overrides,
});

async function expired(dispatch: TestDispatch): Promise<void> {
  await eventually(async () => expect(await dispatch.redis.exists(`${dispatch.prefix}-leases:shop`)).toBe(0));
}

it.each([
  ['act', 'act', false],
  ['act', 'observe', false],
  ['observe', 'act', false],
  ['observe', 'observe', true],
] as const)('beside one that may %s, another may %s: %s', async (first, second, together) => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const leases = dispatch.targetLeases;
  expect(await leases.acquire(lease({ access: first }))).toEqual(acquired);
  const another = lease({ access: second, holder: 'task-b', fence: 2 });
  expect(await leases.acquire(another)).toEqual(together ? acquired : { kind: 'busy', holder: 'task-a' });
  expect(await leases.renew(lease({ access: first }))).toBe('held');
  expect(await leases.renew(another)).toBe(together ? 'held' : 'lost');

  await leases.release(lease({ access: first }));
  expect(await leases.renew(another)).toBe('held');
});

it('knows targets apart', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  expect(await dispatch.targetLeases.acquire(lease({}))).toEqual(acquired);
  expect(await dispatch.targetLeases.acquire(lease({ targetId: 'other', holder: 'task-b' }))).toEqual(acquired);
});

it('gives way when its life is over, and is renewed before', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const leases = dispatch.targetLeases;
  const brief = lease({ lifeMs: 50 });
  await leases.acquire(brief);
  await leases.renew(lease({ lifeMs: long }));
  expect(await leases.acquire(lease({ holder: 'task-b', fence: 2 }))).toMatchObject({ kind: 'busy' });
  await leases.renew(brief);
  await expired(dispatch);
  expect(await leases.acquire(lease({ holder: 'task-b', fence: 2 }))).toEqual(acquired);
  expect(await leases.renew(brief)).toBe('lost');
});

it('lets each sharer expire by itself', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const leases = dispatch.targetLeases;
  const sharer = (holder: string, lifeMs: number): LeaseRequest => lease({ access: 'observe', holder, lifeMs });
  await leases.acquire(sharer('task-a', long));
  await leases.acquire(sharer('task-b', 20));
  const actor = lease({ holder: 'task-c', fence: 3 });
  await leases.release(sharer('task-a', long));
  // Only the short one is left, and nobody gave it back.
  await eventually(async () => expect(await leases.acquire(actor)).toEqual(acquired));
});

it('keeps a long lease when a shorter one beside it is renewed', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const leases = dispatch.targetLeases;
  await leases.acquire(lease({ access: 'observe', lifeMs: long }));
  await leases.acquire(lease({ access: 'observe', holder: 'task-b', lifeMs: 20 }));
  expect(await dispatch.redis.pttl(`${dispatch.prefix}-leases:shop`)).toBeGreaterThan(1_000);
  expect(await leases.acquire(lease({ holder: 'task-c' }))).toMatchObject({ kind: 'busy' });
});

it('does not give back what belongs to a later claim', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const leases = dispatch.targetLeases;
  await leases.acquire(lease({ fence: 1 }));
  await leases.acquire(lease({ fence: 2 }));
  await leases.release(lease({ fence: 1 }));
  expect(await leases.acquire(lease({ holder: 'task-b', fence: 3 }))).toEqual({ kind: 'busy', holder: 'task-a' });
  expect(await leases.renew(lease({ fence: 1 }))).toBe('lost');
  expect(await leases.acquire(lease({ fence: 1 }))).toEqual({ kind: 'busy', holder: 'task-a' });
  expect(await leases.renew(lease({ fence: 2 }))).toBe('held');
  await leases.release(lease({ fence: 2 }));
  expect(await leases.acquire(lease({ holder: 'task-b', fence: 3 }))).toEqual(acquired);
});

it('does nothing when asked to give back what it does not hold', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const leases = dispatch.targetLeases;
  await leases.release(lease({}));
  await leases.acquire(lease({}));
  await leases.release(lease({ holder: 'task-b' }));
  expect(await leases.acquire(lease({ holder: 'task-b' }))).toMatchObject({ kind: 'busy' });
});

it('takes fences beyond 32 bits for what they are', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const leases = dispatch.targetLeases;
  const fence = 2 ** 52;
  await leases.acquire(lease({ fence }));
  expect(await leases.renew(lease({ fence: fence - 1 }))).toBe('lost');
  await leases.release(lease({ fence }));
  expect(await leases.acquire(lease({ holder: 'task-b' }))).toEqual(acquired);
});

it('grants one of many that ask at once', async () => {
  await using dispatch = openDispatch(inject('redisUrl'));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => dispatch.targetLeases.acquire(lease({ holder: `task-${i}`, fence: i + 1 }))),
  );
  expect(answers.filter(({ kind }) => kind === 'acquired')).toHaveLength(1);
});

it('is taken again after Redis was emptied, unless somebody else was faster', async () => {
  const server = await startRedis();
  try {
    await using dispatch = openDispatch(server.url);
    const leases = dispatch.targetLeases;
    await leases.acquire(lease({}));
    await dispatch.redis.flushall();
    expect(await leases.renew(lease({}))).toBe('held');
    expect(await leases.acquire(lease({ holder: 'task-b', fence: 2 }))).toMatchObject({ kind: 'busy' });
    await dispatch.redis.flushall();
    expect(await leases.acquire(lease({ holder: 'task-b', fence: 2 }))).toEqual(acquired);
    expect(await leases.renew(lease({}))).toBe('lost');
  } finally {
    await server.stop();
  }
});

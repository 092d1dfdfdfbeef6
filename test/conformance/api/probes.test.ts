import { randomUUID } from 'node:crypto';
import type { HealthStore } from '@slacktide/application/ports';
import { connectDispatch } from '@slacktide/dispatch';
import { expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../../apps/control-plane/src/api/app.ts';
import { readinessCheck } from '../../../apps/control-plane/src/readiness.ts';
import { startRedis } from '../../support/redis.ts';
import { createCaller } from './support/call.ts';
import { startApi } from './support/start-api.ts';

/** What `/readyz` answers with a Redis of the test's own and the ledger of the API, or another. */
async function setup(flags: string[] = []) {
  const redis = await startRedis({ flags });
  onTestFinished(() => redis.stop());
  const dispatch = connectDispatch({
    redisUrl: redis.url,
    prefix: `test-${randomUUID()}`,
    taskTypes: [],
    onError: () => undefined,
  });
  onTestFinished(() => dispatch.close());
  const api = await startApi({ worker: null });
  const ready = async (healthStore: Pick<HealthStore, 'ping'>) => {
    const seen = await dispatch.redisProbe();
    const readiness = readinessCheck({ healthStore, redis: () => seen });
    return await createCaller(createApp({ ...api.deps, readiness }, '0'), api.keys.admin)('GET /readyz', { key: null });
  };
  return { readyz: () => ready(api.deps.healthStore), readyzWith: ready, redis };
}

it('is alive without a key', async () => {
  const { call } = await startApi({ worker: null });
  expect(await call('GET /livez', { key: null })).toMatchObject({ status: 200, body: { alive: true } });
});

it('is ready with a ledger and a Redis that keeps what it is given', async () => {
  const { readyz } = await setup();
  expect(await readyz()).toMatchObject({ status: 200, body: { ready: true, reasons: [] } });
});

it('is not ready, and says why, with a Redis that may evict', async () => {
  const { readyz } = await setup(['maxmemory-policy allkeys-lru']);
  const { body, status } = await readyz();
  expect([status, body.ready]).toEqual([503, false]);
  expect(body.reasons.join()).toMatch(/maxmemory-policy is allkeys-lru.*noeviction/s);
});

it('is ready without any Redis: what is asked for is kept in the ledger', async () => {
  const { readyz, redis } = await setup();
  await redis.stop();
  expect(await readyz()).toMatchObject({ status: 200, body: { ready: true } });
});

it('is not ready while the ledger is away', async () => {
  const { readyzWith } = await setup();
  const fault = new Error('connect ECONNREFUSED postgresql://slacktide:hunter2@ledger');
  const { body, status, text } = await readyzWith({ ping: () => Promise.reject(fault) });
  expect([status, body.reasons]).toEqual([503, ['the ledger does not answer']]);
  expect(text).not.toContain('hunter2');
});

import { randomBytes } from 'node:crypto';
import { createApiKey } from '@slacktide/application';
import { connectLedger } from '@slacktide/ledger';
import { expect, it, onTestFinished, vi } from 'vitest';
import { readConfig } from '../../../apps/control-plane/src/config.ts';
import { startControlPlane } from '../../../apps/control-plane/src/control-plane.ts';
import { freshLedger, lookInto } from '../../support/ledger.ts';
import { sampleContext } from '../../support/ledger-data.ts';
import { startRedis } from '../../support/redis.ts';
import { scheduleBody } from './support/sample-bodies.ts';

/** A whole control plane, all roles in one process, with a Redis of its own. */
async function setup() {
  const [databaseUrl, redis] = await Promise.all([freshLedger(), startRedis()]);
  onTestFinished(() => redis.stop());
  const connection = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 1 });
  const deps = { ...connection, randomBytes };
  const { key } = await createApiKey(deps, sampleContext(), {
    name: 'admin',
    scopes: ['maintenance:admin'],
    expiresAt: null,
  });
  await connection.close();
  const config = readConfig({ DATABASE_URL: databaseUrl, REDIS_URL: redis.url, PORT: '0', LOG_LEVEL: 'silent' });
  const { url, stop } = await startControlPlane(config);
  onTestFinished(stop);
  const call = async (request: string, json?: object) => {
    const [method = '', path = ''] = request.split(' ');
    const response = await fetch(`${url}${path.startsWith('/readyz') ? '' : '/api/v1/maintenance'}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    return { request, status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { call, redis, sql: lookInto(databaseUrl) };
}

it('answers every request while Redis stands still, and brings all of it over when Redis goes on', async () => {
  const { call, redis, sql } = await setup();
  const target = { id: 'shop', name: 'Shop', connection: 'postgresql://nobody@127.0.0.1:1/none' };
  expect(await call('POST /targets?verify=false', target)).toMatchObject({ status: 201 });
  const waiting = async () => (await sql`SELECT FROM outbox`).length;
  const redisIs = async () =>
    (((await call('GET /health')).body['modules'] ?? []) as { module: string; status: string }[]).find(
      ({ module }) => module === 'redis',
    )?.status;
  await vi.waitFor(async () => expect(await redisIs()).toBe('HEALTHY'), { timeout: 20_000, interval: 100 });

  const answers: { request: string; status: number }[] = [];
  const askAll = async (round: number) => {
    const id = `s${round}`;
    for (const [request, json] of [
      ['POST /schedules', scheduleBody({ id, name: id })],
      [`POST /schedules/${id}/run`],
      ['GET /jobs'],
      ['GET /health'],
      [`GET /schedules/${id}/next`],
      ['GET /readyz'],
    ] as const) {
      answers.push(await call(request, json));
    }
  };
  process.kill(redis.pid, 'SIGSTOP');
  let rounds = 0;
  try {
    // Until every background loop has run into its limit: seconds.
    await vi.waitFor(
      async () => {
        await askAll(rounds++);
        expect(await redisIs()).toBe('UNHEALTHY');
      },
      { timeout: 40_000, interval: 100 },
    );
    for (let more = 0; more < 5; more++) await askAll(rounds++);
    expect(await waiting()).toBe(2 * rounds);
    expect(await sql`SELECT FROM outbox WHERE attempts > 0`).toEqual([]);
  } finally {
    process.kill(redis.pid, 'SIGCONT');
  }
  expect(answers).toHaveLength(6 * rounds);
  expect(answers.filter(({ status }) => status < 200 || status > 299)).toEqual([]);
  await vi.waitFor(async () => expect(await waiting()).toBe(0), { timeout: 20_000, interval: 50 });
});

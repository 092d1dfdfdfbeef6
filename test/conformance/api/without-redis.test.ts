import { randomUUID } from 'node:crypto';
import { HealthRegistry } from '@slacktide/application';
import { connectDispatch } from '@slacktide/dispatch';
import { expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../../apps/control-plane/src/api/app.ts';
import { registerBuiltInProbes } from '../../../apps/control-plane/src/probes.ts';
import { freePort } from '../../support/free-port.ts';
import { createCaller } from './support/call.ts';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerTarget } from './support/target.ts';

it('does everything that it is asked for, and keeps it for the relay', async () => {
  const api = await startApi();
  const redisUrl = `redis://127.0.0.1:${await freePort()}`;
  const dispatch = connectDispatch({
    redisUrl,
    prefix: `test-${randomUUID()}`,
    taskTypes: ['CHECKPOINT'],
    onError: () => undefined,
  });
  onTestFinished(() => dispatch.close());
  const { healthStore, ledger, now } = api.deps;
  const health = new HealthRegistry({ store: healthStore, now, ledgerNow: () => ledger.now(), limitMs: 4_000 });
  registerBuiltInProbes(health, {
    healthStore,
    dispatch,
    ledger,
    outbox: api.outbox,
    reconciliation: api.reconciliation,
  });
  await health.refresh();
  const call = createCaller(createApp({ ...api.deps, health }, '0'), api.keys.admin);

  await registerTarget({ ...api, call });
  const requests: readonly [request: string, status: number, json?: object][] = [
    ['POST /schedules', 201, scheduleBody()],
    ['POST /schedules/nightly/disable', 200],
    ['POST /schedules/nightly/enable', 200],
    ['POST /schedules/nightly/run', 202],
    ['POST /api/v1/admin/maintenance', 202, { operation: 'checkpoint' }],
    ['POST /plans', 200, { target_id: 'shop', tasks: ['STATISTICS_UPDATE'] }],
    ['POST /targets/shop/test', 200],
    ['POST /health/signals', 202, { module: 'backup', status: 'HEALTHY' }],
    ['GET /schedules', 200],
    ['GET /schedules/nightly', 200],
    ['GET /schedules/nightly/next', 200],
    ['GET /targets', 200],
    ['GET /task-types', 200],
    ['GET /audit', 200],
    ['GET /jobs', 200],
  ];
  for (const [request, status, json] of requests) {
    expect(await call(request, json === undefined ? {} : { json }), request).toMatchObject({ status });
  }
  const { body } = await call('GET /jobs');
  expect(await call(`POST /jobs/${body.items[0].id}/cancel`)).toMatchObject({ status: 202 });
  const kept = await api.sql`SELECT message->>'kind' AS kind FROM outbox ORDER BY id`;
  expect(kept.map(({ kind }) => kind).slice(0, 5)).toEqual([
    'schedule.sync',
    'schedule.sync',
    'schedule.sync',
    'flow.add',
    'flow.add',
  ]);

  const report = await call('GET /health');
  expect(report.body.status).toBe('UNHEALTHY');
  const status = Object.fromEntries(
    report.body.modules.map(({ module, status: its }: { module: string; status: string }) => [module, its]),
  );
  expect(status).toMatchObject({ redis: 'UNHEALTHY', 'queue:checkpoint': 'UNHEALTHY', ledger: 'HEALTHY' });
  expect(Object.values(status).at(-1), 'the best come last').toBe('HEALTHY');
});

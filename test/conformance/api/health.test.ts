import { expect, it } from 'vitest';
import { startApi } from './support/start-api.ts';

const signal = { module: 'backup', status: 'DEGRADED', message: 'the last one is two days old', ttl_seconds: 60 };

it('reports probes and pushed signals as one, worst first', async () => {
  const { call, deps } = await startApi({ worker: null });
  deps.health.registerProbe('ledger', async () => ({ status: 'HEALTHY', message: 'answers' }));
  deps.health.registerProbe('queue:ticks', async () => ({ status: 'UNHEALTHY', message: '3 tasks and no worker' }));
  deps.health.registerProbe('broken', () => Promise.reject(new Error('no answer')));
  await deps.health.refresh();
  const pushed = await call('POST /health/signals', { json: signal });
  expect(pushed).toMatchObject({ status: 202, body: { module: 'backup', status: 'DEGRADED' } });
  expect(Date.parse(pushed.body.expires_at) - Date.parse(pushed.body.at)).toBe(60_000);
  const { body } = await call('GET /health', { key: null });
  expect(body.code).toBe('unauthenticated');
  expect((await call('GET /health')).body).toMatchObject({
    status: 'UNHEALTHY',
    modules: [
      { module: 'broken', status: 'UNHEALTHY' },
      { module: 'queue:ticks', status: 'UNHEALTHY', message: '3 tasks and no worker' },
      { module: 'backup', status: 'DEGRADED', message: signal.message },
      { module: 'ledger', status: 'HEALTHY' },
    ],
  });
});

it('takes silence after a signal for bad news', async () => {
  const { call, sql } = await startApi({ worker: null });
  await call('POST /health/signals', { json: { ...signal, status: 'HEALTHY' } });
  await sql`UPDATE health_signals SET at = at - interval '2 minutes', expires_at = expires_at - interval '2 minutes'`;
  const { body } = await call('GET /health');
  expect(body.modules).toMatchObject([{ module: 'backup', status: 'UNHEALTHY', message: /^silent since/ }]);
});

it('audits a signal that changes something, not one that repeats it', async () => {
  const { call } = await startApi({ worker: null });
  for (const status of ['HEALTHY', 'HEALTHY', 'DEGRADED', 'DEGRADED']) {
    await call('POST /health/signals', { json: { ...signal, status } });
  }
  const { body } = await call('GET /audit?entity=signal');
  expect(body.items).toMatchObject([
    { action: 'signal.change', before: { status: 'HEALTHY' }, after: { status: 'DEGRADED' } },
    { action: 'signal.change', before: null, after: { status: 'HEALTHY' } },
  ]);
});

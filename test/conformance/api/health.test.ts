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

it('forgets a module whose time to live is over', async () => {
  const { call, sql } = await startApi({ worker: null });
  await call('POST /health/signals', { json: { ...signal, status: 'HEALTHY' } });
  await sql`UPDATE health_signals SET at = at - interval '2 minutes', expires_at = expires_at - interval '2 minutes'`;
  await call('POST /health/signals', { json: { ...signal, module: 'mail' } });
  const { body } = await call('GET /health');
  expect(body.modules).toMatchObject([{ module: 'mail', status: 'DEGRADED' }]);
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

it('audits a change once, however many say it at once', async () => {
  const { call } = await startApi({ worker: null });
  for (const status of ['HEALTHY', 'UNHEALTHY']) {
    const json = { ...signal, status };
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST /health/signals', { json })));
    expect(answers.map((answer) => [answer.status, answer.body.status])).toEqual(Array(8).fill([202, status]));
  }
  const { body } = await call('GET /audit?entity=signal');
  expect(body.items).toMatchObject([
    { before: { status: 'HEALTHY' }, after: { status: 'UNHEALTHY' } },
    { before: null, after: { status: 'HEALTHY' } },
  ]);
});

it('audits a chain of changes, each from what the one before left, when many disagree at once', async () => {
  const { call, sql } = await startApi({ worker: null });
  const statuses = ['HEALTHY', 'DEGRADED', 'UNHEALTHY'] as const;
  const said = Array.from({ length: 6 }, () => statuses).flat();
  await Promise.all(said.map((status) => call('POST /health/signals', { json: { ...signal, status } })));
  const changes: { before: { status: string } | null; after: { status: string } }[] = (
    await call('GET /audit?entity=signal&limit=100')
  ).body.items;
  expect(changes.filter(({ before, after }) => before?.status === after.status)).toEqual([]);
  expect(changes.filter(({ before }) => before === null)).toHaveLength(1);
  // Begun as often as left, but for the status it has now: so the changes make one chain.
  const left = (status: string) => changes.filter(({ before }) => before?.status === status).length;
  const begun = (status: string) => changes.filter(({ after }) => after.status === status).length;
  const remaining = statuses.filter((status) => begun(status) - left(status) === 1);
  expect(await sql`SELECT status FROM health_signals`).toEqual(remaining.map((status) => ({ status })));
  expect(statuses.every((status) => remaining.includes(status) || begun(status) === left(status))).toBe(true);
});

it('lets nobody speak for a built-in module, and writes nothing', async () => {
  const { call, sql } = await startApi({ worker: null });
  for (const module of [
    'ledger',
    'redis',
    'workers',
    'schedules',
    'queue:ticks',
    'queue:',
    'target:shop',
    'check:integrity:shop',
  ]) {
    const answer = await call('POST /health/signals', { json: { ...signal, module } });
    expect(answer, module).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer: '/module', code: 'reserved' }] },
    });
  }
  expect(await sql`SELECT FROM health_signals UNION ALL SELECT FROM audit_events WHERE entity = 'signal'`).toEqual([]);
  for (const module of ['ledger2', 'queues', 'targets/shop']) {
    expect(await call('POST /health/signals', { json: { ...signal, module } })).toMatchObject({ status: 202 });
  }
});

it('writes neither signal nor audit event when one of them cannot be written', async () => {
  const { call, sql } = await startApi({ worker: null });
  await call('POST /health/signals', { json: { ...signal, status: 'HEALTHY' } });
  await sql`ALTER TABLE audit_events ADD CONSTRAINT none CHECK (action <> 'signal.change') NOT VALID`;
  expect(await call('POST /health/signals', { json: signal })).toMatchObject({ status: 500 });
  expect(await sql`SELECT status FROM health_signals`).toEqual([{ status: 'HEALTHY' }]);
  expect(await call('POST /health/signals', { json: { ...signal, status: 'HEALTHY' } })).toMatchObject({ status: 202 });
});

import { connectLedger } from '@slacktide/ledger';
import { expect, it } from 'vitest';
import { createApp } from '../../../apps/control-plane/src/api/app.ts';
import { createCaller } from './support/call.ts';
import { startApi } from './support/start-api.ts';

it('answers an unforeseen fault without a word about it, and logs it under the trace it names', async () => {
  const { deps, keys, logged } = await startApi({ worker: null });
  const fault = new Error('no column "x" at postgresql://slacktide:hunter2@ledger/slacktide');
  const jobs = { ...deps.ledger.jobs, list: () => Promise.reject(fault) };
  const call = createCaller(createApp({ ...deps, ledger: { ...deps.ledger, jobs } }, '0'), keys.admin);
  const answer = await call('GET /jobs');
  expect(answer).toMatchObject({ status: 500, body: { code: 'internal_error', errors: [] } });
  expect(answer.text).not.toMatch(/column|ledger|hunter2/);
  const [line = '{}'] = logged;
  expect(JSON.parse(line)).toMatchObject({ level: 50, method: 'GET', trace_id: answer.body.trace_id });
  expect(line).toContain('no column');
  expect(line).not.toContain('hunter2');
});

it('takes the trace of a fault from the request', async () => {
  const { call } = await startApi({ worker: null });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const trace = (traceparent: string) => call('GET /nowhere', { headers: { traceparent } });
  expect(await trace(`00-${traceId}-00f067aa0ba902b7-01`)).toMatchObject({ body: { trace_id: traceId } });
  for (const none of ['', 'x', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `00-${traceId}`]) {
    const { body } = await trace(none);
    expect(body.trace_id, none).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(body.trace_id, none).not.toBe(traceId);
  }
});

it('says that the ledger is away, and when to come again', async () => {
  const { deps, keys } = await startApi({ worker: null });
  const gone = connectLedger({
    databaseUrl: 'postgresql://n@127.0.0.1:1/n',
    applicationName: 'test',
    maxConnections: 1,
  });
  const { apiKeys, health: healthStore, inquiries, ledger } = gone;
  const away = createApp({ ...deps, apiKeys, healthStore, inquiries, ledger }, '0');
  const answer = await createCaller(away, keys.admin)('GET /jobs');
  await gone.close();
  expect(answer).toMatchObject({ status: 503, body: { code: 'ledger_unavailable' } });
  expect(answer.headers.get('retry-after')).toBe('5');
  expect(answer.text).not.toContain('127.0.0.1');
});

it('does not take a caller who hangs up for a fault of its own', async () => {
  const { app, keys, faults } = await startApi({ worker: null });
  const hangUp = Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
  for (const length of [{ 'content-length': '100' }, { 'transfer-encoding': 'chunked' }]) {
    const response = await app.request('/api/v1/maintenance/schedules', {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.admin}`, 'content-type': 'application/json', ...length },
      body: new ReadableStream({ pull: (controller) => controller.error(hangUp) }),
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(400);
  }
  expect(faults()).toEqual([]);
});

it('tells every change in its log, with the trace that the answer and the job have', async () => {
  const { call, logged } = await startApi({ worker: null });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  await call('POST /schedules', { json: { name: 'no tasks' }, headers });
  await call('GET /schedules');
  expect(logged.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 30,
      method: 'post',
      path: '/api/v1/maintenance/schedules',
      status: 422,
      trace_id: traceId,
    }),
  ]);
});

it('knows no other path', async () => {
  const { call } = await startApi({ worker: null });
  for (const path of [
    '/',
    '/nowhere',
    '/api',
    '/api/v2/maintenance/jobs',
    '/jobs/a/b',
    '/schedules/',
    '/jobs/../../metrics/x',
  ]) {
    const whole = path.startsWith('/api') ? path : `/api/v1/maintenance${path}`;
    expect(await call(`GET ${whole}`), path).toMatchObject({
      status: 404,
      body: { code: 'not_found', instance: expect.any(String) },
    });
  }
});

it('names the methods there are when asked by another', async () => {
  const { call } = await startApi({ worker: null });
  const ask = async (request: string) => {
    const { body, headers, status } = await call(request);
    return { status, code: body?.code, allow: headers.get('allow')?.split(', ').sort() };
  };
  const refused = { status: 405, code: 'method_not_allowed' };
  expect(await ask('PATCH /schedules')).toEqual({ ...refused, allow: ['GET', 'HEAD', 'POST'] });
  expect(await ask('POST /schedules/x')).toEqual({ ...refused, allow: ['DELETE', 'GET', 'HEAD', 'PATCH', 'PUT'] });
  expect(await ask('DELETE /api/v1/admin/maintenance')).toEqual({ ...refused, allow: ['POST'] });
  expect(await ask('POST /livez')).toEqual({ ...refused, allow: ['GET', 'HEAD'] });
});

it('gives no page of another origin leave to anything', async () => {
  const { call } = await startApi({ worker: null });
  const headers = {
    origin: 'https://elsewhere.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  };
  for (const request of ['OPTIONS /schedules', 'OPTIONS /api/v1/admin/maintenance', 'GET /jobs', 'GET /openapi.json']) {
    const answer = await call(request, { headers });
    const given = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'));
    expect(given, request).toEqual([]);
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
  }
  expect(await call('OPTIONS /schedules', { headers })).toMatchObject({ status: 405 });
});

it('lets nothing of the API be kept by anybody on the way', async () => {
  const { call } = await startApi({ worker: null });
  for (const request of ['GET /jobs', 'GET /nowhere', 'POST /schedules']) {
    expect((await call(request)).headers.get('cache-control'), request).toBe('no-store');
  }
});

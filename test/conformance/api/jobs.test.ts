import { expect, it } from 'vitest';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

async function setup(changes: Readonly<Record<string, unknown>> = {}) {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  await registerUnseen(api, 'stock');
  await api.call('POST /schedules', { json: scheduleBody({ target_ids: ['shop', 'stock'], ...changes }) });
  return api;
}

/** A window of one hour that is not now. */
function closedWindow() {
  const start = (new Date().getUTCHours() + 12) % 24;
  return { window_start_hour: start, window_end_hour: (start + 1) % 24 };
}

it('runs a schedule now: one job for each target, the first one in Location', async () => {
  const { call, sql } = await setup();
  const started = await call('POST /schedules/nightly/run');
  expect(started.status).toBe(202);
  const { jobs } = started.body;
  expect(jobs).toMatchObject([
    { target_id: 'shop', state: 'PENDING', trigger: 'manual', schedule_id: 'nightly' },
    { target_id: 'stock', state: 'PENDING' },
  ]);
  expect(started.headers.get('location')).toBe(`/api/v1/maintenance/jobs/${jobs[0].id}`);
  expect(await call(`GET ${started.headers.get('location')}`)).toMatchObject({ status: 200, body: jobs[0] });
  const waiting = await sql`SELECT message->>'jobId' AS id FROM outbox WHERE message->>'kind' = 'flow.add'`;
  expect(waiting.map(({ id }) => id).sort()).toEqual(jobs.map(({ id }: { id: string }) => id).sort());
});

it('gives a job the trace of the request that asked for it', async () => {
  const { call } = await setup();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const { body } = await call('POST /schedules/nightly/run', { headers });
  expect(body.jobs[0].trace_id).toBe(traceId);
  const { body: audit } = await call('GET /audit?action=job.create');
  expect(audit.items[0].trace_id).toBe(traceId);
});

it('skips a job outside the window of its schedule, with the reason, and sends it nowhere', async () => {
  const { call, sql } = await setup(closedWindow());
  const { body, status } = await call('POST /schedules/nightly/run');
  expect(status).toBe(202);
  expect(body.jobs[0]).toMatchObject({ state: 'SKIPPED', reason: 'outside_window' });
  expect(body.jobs[0].tasks).toMatchObject([{ state: 'SKIPPED' }, { state: 'SKIPPED' }]);
  expect(await sql`SELECT FROM outbox WHERE message->>'kind' = 'flow.add'`).toHaveLength(0);
});

it('lists jobs newest first, by state, schedule, target and time', async () => {
  const { call } = await setup();
  await call('POST /schedules', { json: scheduleBody({ id: 'closed', name: 'Closed', ...closedWindow() }) });
  const { body: pending } = await call('POST /schedules/nightly/run');
  const { body: skipped } = await call('POST /schedules/closed/run');
  const ids = async (query: string) =>
    (await call(`GET /jobs${query}`)).body.items.map(({ id }: { id: string }) => id).sort();
  const [onShop, onStock] = pending.jobs.map(({ id }: { id: string }) => id);
  const closed = skipped.jobs[0].id;
  expect((await call('GET /jobs')).body.items[0].id).toBe(closed);
  expect(await ids('')).toEqual([onShop, onStock, closed].sort());
  expect(await ids('?state=SKIPPED')).toEqual([closed]);
  expect(await ids('?schedule_id=nightly')).toEqual([onShop, onStock].sort());
  expect(await ids('?target_id=stock')).toEqual([onStock]);
  expect(await ids('?target_id=shop&state=PENDING')).toEqual([onShop]);
  const at = encodeURIComponent(skipped.jobs[0].scheduled_for);
  expect(await ids(`?from=${at}`)).toEqual([closed]);
  expect(await ids(`?to=${at}`)).toEqual([onShop, onStock].sort());
  expect(await ids('?from=2026-11-22T02%3A00%3A00%2B01%3A00&state=FAILED')).toEqual([]);
});

it('cancels a job: tasks that have not begun are skipped; asking again changes nothing', async () => {
  const { call } = await setup();
  const { body } = await call('POST /schedules/nightly/run');
  const { id } = body.jobs[0];
  const cancelled = await call(`POST /jobs/${id}/cancel`);
  expect(cancelled.status).toBe(202);
  expect(cancelled.headers.get('location')).toBe(`/api/v1/maintenance/jobs/${id}`);
  expect(cancelled.body.cancel_requested_at).not.toBeNull();
  expect(cancelled.body.tasks).toMatchObject([
    { state: 'SKIPPED', reason: 'cancelled' },
    { state: 'SKIPPED', reason: 'cancelled' },
  ]);
  const again = await call(`POST /jobs/${id}/cancel`);
  expect([202, 409]).toContain(again.status);
  expect(await call(`GET /jobs/${id}`)).toMatchObject({
    body: { cancel_requested_at: cancelled.body.cancel_requested_at },
  });
});

it('refuses to cancel a job that is over', async () => {
  const { call } = await setup(closedWindow());
  const { body } = await call('POST /schedules/nightly/run');
  const answer = await call(`POST /jobs/${body.jobs[0].id}/cancel`);
  expect(answer).toMatchObject({ status: 409, body: { code: 'conflict', detail: 'The job is over: SKIPPED' } });
});

it('knows no job that is not there, whatever its id looks like', async () => {
  const { call } = await setup();
  const ids = [
    '01997c2e-5c00-7000-8000-000000000000',
    '00000000-0000-4000-8000-000000000000',
    'no-uuid',
    '%00',
    '%E0%A4%A',
  ];
  for (const id of ids) {
    expect(await call(`GET /jobs/${id}`), id).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await call(`POST /jobs/${id}/cancel`), id).toMatchObject({ status: 404 });
  }
});

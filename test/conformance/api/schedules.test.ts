import { expect, it } from 'vitest';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  const created = await api.call('POST /schedules', { json: scheduleBody() });
  return { ...api, created };
}

it('creates a schedule with every default filled in, and gives it back as it is', async () => {
  const { call, created } = await setup();
  expect(created.status).toBe(201);
  expect(created.headers.get('location')).toBe('/api/v1/maintenance/schedules/nightly');
  expect(created.headers.get('etag')).toBe('"1"');
  expect(created.body).toMatchObject({
    id: 'nightly',
    description: null,
    window_start_hour: null,
    window_end_hour: null,
    target_labels: null,
    halt_on_task_failure: true,
    enabled: true,
    misfire_policy: 'run_once',
    misfire_max: 10,
    catch_up_seconds: 86_400,
    overlap_policy: 'skip',
    version: 1,
    last_tick_at: null,
    tasks: [
      {
        key: 'index-rebuild',
        type: 'INDEX_REBUILD',
        needs: [],
        config: { bloat_threshold: 40 },
        time_limit_seconds: 43_200,
      },
      { key: 'statistics', type: 'STATISTICS_UPDATE', needs: ['index-rebuild'] },
    ],
  });
  expect(Date.parse(created.body.next_due_at)).toBeGreaterThan(Date.now());
  const read = await call('GET /schedules/nightly');
  expect(read.body).toEqual(created.body);
  expect(read.headers.get('etag')).toBe('"1"');
});

it('makes an id where none is given, and finds targets by label later', async () => {
  const { call } = await setup();
  const { id: _, target_ids: __, ...body } = scheduleBody({ name: 'By label', target_labels: { env: 'test' } });
  const { body: schedule, headers } = await call('POST /schedules', { json: body });
  expect(schedule.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  expect(headers.get('location')).toBe(`/api/v1/maintenance/schedules/${schedule.id}`);
  expect(await call(`POST /schedules/${schedule.id}/run`)).toMatchObject({ status: 409, body: { code: 'conflict' } });
});

it('lists schedules newest first, by name and by whether they are enabled', async () => {
  const { call } = await setup();
  await call('POST /schedules', { json: scheduleBody({ id: 'weekly', name: 'Weekly', enabled: false }) });
  const ids = async (query: string) =>
    (await call(`GET /schedules${query}`)).body.items.map(({ id }: { id: string }) => id);
  expect(await ids('')).toEqual(['weekly', 'nightly']);
  expect(await ids('?enabled=true')).toEqual(['nightly']);
  expect(await ids('?enabled=false')).toEqual(['weekly']);
  expect(await ids('?name=Weekly')).toEqual(['weekly']);
  expect(await ids('?name=Monthly')).toEqual([]);
});

it('replaces a schedule: what is left out goes back to its default', async () => {
  const { call } = await setup();
  const windowed = scheduleBody({ window_start_hour: 22, window_end_hour: 4, halt_on_task_failure: false });
  const first = await call('PUT /schedules/nightly', { json: windowed, ifMatch: '"1"' });
  expect(first.body).toMatchObject({ window_start_hour: 22, window_end_hour: 4, halt_on_task_failure: false });
  const second = await call('PUT /schedules/nightly', { json: scheduleBody(), ifMatch: '"2"' });
  expect(second.body).toMatchObject({ window_start_hour: null, halt_on_task_failure: true, version: 3 });
  expect(second.headers.get('etag')).toBe('"3"');
});

it('patches a schedule as RFC 7396 says, by either media type, and judges the result as a whole', async () => {
  const { call } = await setup();
  const mergePatch = { 'content-type': 'application/merge-patch+json' };
  const patch = { description: 'every night', window_start_hour: 1, window_end_hour: 5 };
  const first = await call('PATCH /schedules/nightly', { json: patch, ifMatch: '"1"', headers: mergePatch });
  expect(first).toMatchObject({ status: 200, body: { ...patch, name: 'Nightly', version: 2 } });
  const second = await call('PATCH /schedules/nightly', {
    json: { description: null, tasks: ['CHECKPOINT'] },
    ifMatch: '"2"',
  });
  expect(second.body).toMatchObject({ description: null, tasks: [{ type: 'CHECKPOINT' }], window_start_hour: 1 });
  const third = await call('PATCH /schedules/nightly', { json: { window_end_hour: null }, ifMatch: '"3"' });
  expect(third).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '/window_end_hour', code: 'both_or_none' }] },
  });
  const renamed = await call('PATCH /schedules/nightly', { json: { id: 'other' }, ifMatch: '"3"' });
  expect(renamed).toMatchObject({ status: 422, body: { errors: [{ pointer: '/id', code: 'immutable' }] } });
  expect(await call('GET /schedules/nightly')).toMatchObject({ body: { version: 3 } });
});

it('keeps what it is told of misfires, overlap and time limits, and a patch takes each back to its default', async () => {
  const { call } = await setup();
  const policies = { misfire_policy: 'run_all', misfire_max: 3, catch_up_seconds: 0, overlap_policy: 'queue' };
  const tasks = [{ type: 'CHECKPOINT', time_limit_seconds: 60 }, 'STATISTICS_UPDATE'];
  const put = await call('PUT /schedules/nightly', { json: scheduleBody({ ...policies, tasks }), ifMatch: '"1"' });
  expect(put).toMatchObject({
    status: 200,
    body: { ...policies, tasks: [{ time_limit_seconds: 60 }, { time_limit_seconds: 43_200 }] },
  });
  expect((await call('GET /schedules/nightly')).body).toEqual(put.body);
  const renamed = await call('PATCH /schedules/nightly', { json: { name: 'New' }, ifMatch: '"2"' });
  expect(renamed.body).toMatchObject({ ...policies, tasks: put.body.tasks });
  const patch = { misfire_policy: 'skip', misfire_max: null, catch_up_seconds: 60, overlap_policy: null };
  const patched = await call('PATCH /schedules/nightly', { json: patch, ifMatch: '"3"' });
  expect(patched.body).toMatchObject({
    misfire_policy: 'skip',
    misfire_max: 10,
    catch_up_seconds: 60,
    overlap_policy: 'skip',
  });
  expect(await call('PATCH /schedules/nightly', { json: { misfire_max: 0 }, ifMatch: '"4"' })).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '/misfire_max', code: 'too_small' }] },
  });
});

it('enables and disables a schedule; being so already changes nothing', async () => {
  const { call, created } = await setup();
  const off = await call('POST /schedules/nightly/disable');
  expect(off).toMatchObject({ status: 200, body: { enabled: false, version: 2, next_due_at: null } });
  expect(off.headers.get('etag')).toBe('"2"');
  expect(await call('POST /schedules/nightly/disable')).toMatchObject({ status: 200, body: { version: 2 } });
  const on = await call('POST /schedules/nightly/enable');
  expect(on).toMatchObject({ status: 200, body: { enabled: true, version: 3, next_due_at: created.body.next_due_at } });
});

it('tells the next due times, in the zone of the schedule and with its window', async () => {
  const { call } = await setup();
  const { body } = await call('GET /schedules/nightly/next?count=3');
  expect(body).toMatchObject({ schedule_id: 'nightly', timezone: 'Europe/Berlin' });
  expect(body.items).toHaveLength(3);
  for (const item of body.items) expect(item.local).toMatch(/T02:00:00\+0[12]:00$/);
  expect((await call('GET /schedules/nightly/next')).body.items).toHaveLength(10);
});

it('deletes a schedule and keeps its jobs', async () => {
  const { call } = await setup();
  const { body: started } = await call('POST /schedules/nightly/run');
  expect(await call('DELETE /schedules/nightly', { ifMatch: '"1"' })).toMatchObject({ status: 204, text: '' });
  expect(await call('GET /schedules/nightly')).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(await call('GET /schedules')).toMatchObject({ body: { items: [], next_cursor: null } });
  expect(await call(`GET /jobs/${started.jobs[0].id}`)).toMatchObject({
    status: 200,
    body: { schedule_id: 'nightly' },
  });
});

it('refuses an id that is taken, naming it; a name may be', async () => {
  const { call } = await setup();
  const sameId = await call('POST /schedules', { json: scheduleBody({ name: 'Other' }) });
  expect(sameId).toMatchObject({
    status: 409,
    body: { code: 'conflict', errors: [{ pointer: '/id', code: 'taken' }] },
  });
  const sameName = await call('POST /schedules', { json: scheduleBody({ id: 'other' }) });
  expect(sameName).toMatchObject({ status: 201, body: { id: 'other', name: 'Nightly' } });
  const { body } = await call('GET /schedules?name=Nightly');
  expect(body.items).toMatchObject([{ id: 'other' }, { id: 'nightly' }]);
});

it('writes who did what into the audit log, with the state before and after', async () => {
  const { call } = await setup();
  await call('PATCH /schedules/nightly', { json: { enabled: false }, ifMatch: '"1"' });
  await call('DELETE /schedules/nightly', { ifMatch: '"2"' });
  const { body } = await call('GET /audit?entity=schedule&entity_id=nightly');
  expect(body.items).toMatchObject([
    { action: 'schedule.delete', before: { version: 2 }, after: null },
    { action: 'schedule.patch', before: { enabled: true, version: 1 }, after: { enabled: false, version: 2 } },
    { action: 'schedule.create', before: null, after: { id: 'nightly', version: 1 } },
  ]);
  for (const event of body.items) expect(event.actor).toMatch(/^api_key:[0-9a-f]{16}$/);
});

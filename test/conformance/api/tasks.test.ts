import { expect, it } from 'vitest';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

const resolution = { outcome: 'succeeded', note: 'The index is gone; checked pg_index.' };

/** A job of which one task needs an operator, and one waits. */
async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  await api.call('POST /schedules', { json: scheduleBody() });
  const { body } = await api.call('POST /schedules/nightly/run');
  const [job] = body.jobs;
  const [{ id }, { id: other }] = job.tasks;
  const error = { code: 'outcome_unclear', message: 'nobody can tell' };
  await api.sql`UPDATE tasks SET state = 'NEEDS_OPERATOR', started_at = now(), error = ${api.sql.json(error)} WHERE id = ${id}`;
  await api.sql`UPDATE jobs SET state = 'NEEDS_OPERATOR', started_at = now() WHERE id = ${job.id}`;
  return { ...api, job, id, other };
}

it('shows what a task cost so far, how long it may run, and how often its job was sent out', async () => {
  const { call, job } = await setup();
  const { body } = await call(`GET /jobs/${job.id}`);
  expect(body).toMatchObject({ state: 'NEEDS_OPERATOR', generation: 1 });
  expect(body.tasks[0]).toMatchObject({ state: 'NEEDS_OPERATOR', crashes: 0, time_limit_seconds: 43_200 });
  expect((await call('GET /jobs?state=NEEDS_OPERATOR')).body.items).toMatchObject([{ id: job.id }]);
});

it('takes the word of a person about a task, and lets its job go on', async () => {
  const { call, id, job, keys } = await setup();
  const answer = await call(`POST /tasks/${id}/resolve`, { json: resolution, key: keys.write });
  expect(answer).toMatchObject({ status: 200, body: { id: job.id, state: 'RUNNING', generation: 2 } });
  expect(answer.body.tasks[0]).toMatchObject({ state: 'SUCCEEDED', result: { resolution: { note: resolution.note } } });
  const { body } = await call(`GET /audit?entity=task&entity_id=${id}`);
  expect(body.items[0]).toMatchObject({
    action: 'task.resolve',
    reason: resolution.note,
    before: { state: 'NEEDS_OPERATOR' },
    after: { state: 'SUCCEEDED' },
  });
});

it('does it once under one key', async () => {
  const { call, id } = await setup();
  const send = () =>
    call(`POST /tasks/${id}/resolve`, { json: { ...resolution, outcome: 'retry' }, idempotencyKey: 'k' });
  const [first, again] = [await send(), await send()];
  expect(again).toMatchObject({ status: 200, text: first.text });
  const other = await call(`POST /tasks/${id}/resolve`, { json: resolution, idempotencyKey: 'k' });
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
});

it('refuses to resolve what is clear, and what there is not', async () => {
  const { call, id, other } = await setup();
  expect(await call(`POST /tasks/${other}/resolve`, { json: resolution })).toMatchObject({
    status: 409,
    body: { code: 'conflict', detail: 'The task is PENDING: it needs no operator' },
  });
  await call(`POST /tasks/${id}/resolve`, { json: resolution });
  expect(await call(`POST /tasks/${id}/resolve`, { json: resolution })).toMatchObject({ status: 409 });
  for (const unknown of ['01997c2e-5c00-7000-8000-000000000000', 'no-uuid', '%00']) {
    expect(await call(`POST /tasks/${unknown}/resolve`, { json: resolution }), unknown).toMatchObject({ status: 404 });
  }
});

it.each([
  [{}, ['/outcome', '/note']],
  [{ outcome: 'done', note: 'x' }, ['/outcome']],
  [{ outcome: 'retry', note: '  ' }, ['/note']],
  [{ outcome: 'retry', note: 'a\u0000b' }, ['/note']],
  [{ outcome: 'retry', note: 'x'.repeat(2_001) }, ['/note']],
  [{ outcome: 'retry', note: 'x', state: 'SUCCEEDED' }, ['/state']],
])('refuses %j', async (json, pointers) => {
  const { call, id } = await setup();
  const { status, body } = await call(`POST /tasks/${id}/resolve`, { json });
  expect(status).toBe(422);
  expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
});

it('asks for a key that may write', async () => {
  const { call, id, keys } = await setup();
  expect(await call(`POST /tasks/${id}/resolve`, { json: resolution, key: keys.read })).toMatchObject({ status: 403 });
});

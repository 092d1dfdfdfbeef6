import { expect, it } from 'vitest';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { newTarget, registerUnseen } from './support/target.ts';

const unseen = { name: 'Other', connection: 'postgresql://nobody@127.0.0.1:1/none' };

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  await api.call('POST /schedules', { json: scheduleBody() });
  const count = async (table: string) => (await api.sql`SELECT FROM ${api.sql(table)}`).length;
  return { ...api, count };
}

it('answers a repeat as it answered the first time, without a second effect', async () => {
  const { call, count } = await setup();
  const requests = [
    ['POST /schedules', scheduleBody({ id: undefined, name: 'Weekly' })],
    ['POST /targets?verify=false', unseen],
    ['POST /schedules/nightly/disable', undefined],
    ['POST /schedules/nightly/enable', undefined],
    ['POST /schedules/nightly/run', undefined],
  ] as const;
  for (const [request, json] of requests) {
    const first = await call(request, { json, idempotencyKey: 'once' });
    const audited = await count('audit_events');
    for (let again = 0; again < 3; again += 1) {
      const repeat = await call(request, { json, idempotencyKey: 'once' });
      expect(repeat, request).toMatchObject({ status: first.status, text: first.text });
      for (const name of ['location', 'etag']) expect(repeat.headers.get(name)).toBe(first.headers.get(name));
    }
    expect(await count('audit_events'), request).toBe(audited);
  }
  expect([await count('schedules'), await count('targets'), await count('jobs')]).toEqual([2, 2, 1]);
});

it('does once what is asked for twenty times at once', async () => {
  const { call, count } = await setup();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call('POST /schedules/nightly/run', { idempotencyKey: 'at-once' })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 202));
  expect(new Set(answers.map(({ body }) => body.jobs[0].id)).size).toBe(1);
  expect(await count('jobs')).toBe(1);
});

it('refuses the key for another request, by body or by address', async () => {
  const { call, count } = await setup();
  const create = (path: string, name: string) =>
    call(`POST ${path}`, { json: { ...unseen, name }, idempotencyKey: 'mine' });
  expect(await create('/targets?verify=false', 'One')).toMatchObject({ status: 201 });
  for (const repeat of [create('/targets?verify=false', 'Two'), create('/targets', 'One')]) {
    expect(await repeat).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  }
  expect(await count('targets')).toBe(2);
  const run = (id: string) => call(`POST /schedules/${id}/run`, { idempotencyKey: 'mine' });
  await call('POST /schedules', { json: scheduleBody({ id: 'weekly', name: 'Weekly' }) });
  expect(await run('nightly')).toMatchObject({ status: 202 });
  expect(await run('weekly')).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
});

it('does everything again without a key, with another key, for another caller and for another endpoint', async () => {
  const { call, count, keys } = await setup();
  const run = (options: object) => call('POST /schedules/nightly/run', options);
  await run({});
  await run({});
  await run({ idempotencyKey: 'one' });
  await run({ idempotencyKey: 'two' });
  await run({ idempotencyKey: 'one', key: keys.write });
  expect(await count('jobs')).toBe(5);
  expect(await call('POST /schedules/nightly/disable', { idempotencyKey: 'one' })).toMatchObject({ status: 200 });
});

it('leaves the key free when the request was refused', async () => {
  const { call, count } = await setup();
  const create = (id: string, name: string) =>
    call('POST /schedules', { json: scheduleBody({ id, name }), idempotencyKey: 'k' });
  expect(await create('x', '')).toMatchObject({ status: 422 });
  expect(await create('nightly', 'Taken')).toMatchObject({ status: 409 });
  expect(await count('idempotency_keys')).toBe(0);
  expect(await create('x', 'Free')).toMatchObject({ status: 201 });
});

it('gives the first answer to a repeat even when the target can no longer be reached', async () => {
  const api = await startApi();
  const { connection } = await newTarget();
  const json = { id: 'shop', name: 'Shop', connection, secret_ref: 'env:TARGET_PASSWORD' };
  const first = await api.call('POST /targets', { json, idempotencyKey: 'take' });
  expect(first.status).toBe(201);
  await api.sql`UPDATE targets SET connection = 'postgresql://nobody@127.0.0.1:1/none'`;
  expect(await api.call('POST /targets', { json, idempotencyKey: 'take' })).toMatchObject({
    status: 201,
    text: first.text,
  });
  expect(await api.sql`SELECT FROM inquiries`).toHaveLength(1);
});

it('refuses a key that is none', async () => {
  const { call, count } = await setup();
  for (const idempotencyKey of ['', 'with space', 'x'.repeat(256), 'é']) {
    const answer = await call('POST /schedules/nightly/run', { idempotencyKey });
    expect(answer, idempotencyKey).toMatchObject({ status: 400, body: { code: 'malformed_request' } });
  }
  expect(await count('jobs')).toBe(0);
});

import { expect, it } from 'vitest';
import { ledgerContents } from './support/ledger-contents.ts';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { newTarget, registerTarget, registerUnseen } from './support/target.ts';

it('takes a database into care after a worker has seen it, and tells what the worker sees', async () => {
  const api = await startApi();
  const target = await registerTarget(api, { labels: { env: 'test' } });
  expect(target).toMatchObject({ id: 'shop', kind: 'postgres', labels: { env: 'test' }, version: 1 });
  const read = await api.call('GET /targets/shop');
  expect(read.body).toEqual(target);
  expect(read.headers.get('etag')).toBe('"1"');
  const seen = await api.call('POST /targets/shop/test');
  expect(seen).toMatchObject({
    status: 200,
    body: { target_id: 'shop', server_version: expect.stringMatching(/^18\./), role: 'postgres', in_recovery: false },
  });
});

it('refuses a target that cannot be worked on, by the field to look at, and writes nothing', async () => {
  const api = await startApi();
  const { connection } = await newTarget();
  const nobody = 'postgresql://nobody@127.0.0.1:1/none';
  const wrong: readonly [object, string, string][] = [
    [{ connection: nobody }, '/connection', 'unreachable'],
    [{ connection: `${connection}x`, secret_ref: 'env:TARGET_PASSWORD' }, '/connection', 'unreachable'],
    [{ connection, secret_ref: 'env:NOT_SET' }, '/secret_ref', 'secret_unavailable'],
    [{ connection, secret_ref: 'file:/no/such/file' }, '/secret_ref', 'secret_unavailable'],
    [{ connection }, '/secret_ref', 'authentication_failed'],
  ];
  const { inquiries: _, ...before } = await ledgerContents(api.sql);
  for (const [fields, pointer, code] of wrong) {
    const answer = await api.call('POST /targets', { json: { name: 'Shop', ...fields }, idempotencyKey: 'take' });
    expect(answer, JSON.stringify(fields)).toMatchObject({
      status: 422,
      body: { code: 'target_unreachable', errors: [{ pointer, code }] },
    });
  }
  const { inquiries: __, ...after } = await ledgerContents(api.sql);
  expect(after).toEqual(before);
});

it('takes a database into care unseen when told to, and answers 503 when no worker can look', async () => {
  const api = await startApi({ worker: null, inquiryTimeoutMs: 50 });
  await registerUnseen(api);
  const json = { name: 'Stock', connection: 'postgresql://nobody@127.0.0.1:1/none' };
  const answers = await Promise.all([
    api.call('POST /targets', { json }),
    api.call('PUT /targets/shop', { json, ifMatch: '"1"' }),
    api.call('POST /targets/shop/test'),
    api.call('POST /plans', { json: { target_id: 'shop', tasks: ['CHECKPOINT'] } }),
  ]);
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'no_worker' } });
    expect(answer.headers.get('retry-after')).toBe('5');
  }
  expect(await api.call('GET /targets')).toMatchObject({ body: { items: [{ id: 'shop', version: 1 }] } });
});

it('replaces a target, whose id stays', async () => {
  const api = await startApi();
  const { connection } = await registerTarget(api);
  const json = { name: 'Renamed', connection, secret_ref: 'env:TARGET_PASSWORD', labels: { team: 'orders' } };
  const put = await api.call('PUT /targets/shop', { json, ifMatch: '"1"' });
  expect(put).toMatchObject({ status: 200, body: { id: 'shop', name: 'Renamed', version: 2 } });
  expect(put.headers.get('etag')).toBe('"2"');
  const other = await api.call('PUT /targets/shop', { json: { ...json, id: 'other' }, ifMatch: '"2"' });
  expect(other).toMatchObject({ status: 422, body: { errors: [{ pointer: '/id', code: 'immutable' }] } });
  const unreachable = { ...json, connection: 'postgresql://nobody@127.0.0.1:1/none' };
  const away = await api.call('PUT /targets/shop', { json: unreachable, ifMatch: '"2"' });
  expect(away).toMatchObject({ status: 422, body: { errors: [{ pointer: '/connection' }] } });
  expect(await api.call('GET /targets/shop')).toMatchObject({ body: { version: 2, labels: { team: 'orders' } } });
});

it('finds targets by all of their labels', async () => {
  const api = await startApi({ worker: null });
  for (const [id, labels] of Object.entries({ a: { env: 'test' }, b: { env: 'test', team: 'x:y' }, c: {} })) {
    const json = { id, name: id, connection: 'postgresql://nobody@127.0.0.1:1/none', labels };
    expect(await api.call('POST /targets?verify=false', { json })).toMatchObject({ status: 201 });
  }
  const ids = async (query: string) =>
    (await api.call(`GET /targets${query}`)).body.items.map(({ id }: { id: string }) => id);
  expect(await ids('')).toEqual(['c', 'b', 'a']);
  expect(await ids('?label=env:test')).toEqual(['b', 'a']);
  expect(await ids('?label=env:test&label=team:x:y')).toEqual(['b']);
  expect(await ids('?label=env:live')).toEqual([]);
  for (const label of ['env', ':test', '', 'env:%00']) {
    const answer = await api.call(`GET /targets?label=${label}`);
    expect(answer, label).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: expect.stringMatching(/^\?label/) }] },
    });
  }
});

it('refuses an id that is taken, not a name, and to let go of a target in use', async () => {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  const create = (json: object) =>
    api.call('POST /targets?verify=false', { json: { connection: 'postgresql://n@127.0.0.1:1/n', ...json } });
  const sameId = await create({ id: 'shop', name: 'Other' });
  expect(sameId).toMatchObject({ status: 409, body: { errors: [{ pointer: '/id', code: 'taken' }] } });
  const sameName = await create({ id: 'other', name: 'Target shop' });
  expect(sameName).toMatchObject({ status: 201, body: { id: 'other', name: 'Target shop' } });

  await api.call('POST /schedules', { json: scheduleBody() });
  const used = await api.call('DELETE /targets/shop', { ifMatch: '"1"' });
  expect(used).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringContaining('nightly') } });
  await api.call('DELETE /schedules/nightly', { ifMatch: '*' });
  expect(await api.call('DELETE /targets/shop', { ifMatch: '"1"' })).toMatchObject({ status: 204 });
  expect(await api.call('GET /targets/shop')).toMatchObject({ status: 404 });
});

it('tells the rights that its role needs on its major version, each with a reason', async () => {
  const api = await startApi();
  await registerTarget(api);
  const { body, status } = await api.call('GET /targets/shop/grants', { key: api.keys.read });
  expect(status).toBe(200);
  expect(body).toMatchObject({ target_id: 'shop', server_version: expect.stringMatching(/^18/), role: 'postgres' });
  const statements = [...body.observe, ...body.act].map(({ statement }: { statement: string }) => statement);
  expect(statements.join('\n')).toMatch(/GRANT pg_monitor TO "postgres"/);
  expect(statements.join('\n')).toMatch(/pg_maintain/);
  expect(body.remaining.length).toBeGreaterThan(0);
  expect((await api.call('GET /targets/nowhere/grants')).status).toBe(404);
});

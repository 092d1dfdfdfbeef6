import { expect, it } from 'vitest';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

const target = { name: 'Shop', connection: 'postgresql://nobody@127.0.0.1:1/none' };
const writes = [
  ['PUT /schedules/nightly', scheduleBody()],
  ['PATCH /schedules/nightly', { description: 'changed' }],
  ['DELETE /schedules/nightly', undefined],
  ['PUT /targets/stock?verify=false', target],
  ['DELETE /targets/stock', undefined],
] as const;

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  await registerUnseen(api, 'stock');
  await api.call('POST /schedules', { json: scheduleBody() });
  return api;
}

it('asks every write of what exists for the version its author has seen', async () => {
  const { call } = await setup();
  for (const [request, json] of writes) {
    expect(await call(request, { json }), request).toMatchObject({
      status: 428,
      body: { code: 'precondition_required' },
    });
  }
  expect(await call('GET /schedules/nightly')).toMatchObject({ body: { version: 1 } });
});

it('refuses a write by any other version than the present one', async () => {
  const { call } = await setup();
  const stale = ['"2"', '"0"', 'W/"2"', '"99999999999999999999"', '1', '""', '"x"', '"1", "2"', 'W/1'];
  for (const [request, json] of writes) {
    for (const ifMatch of stale) {
      const answer = await call(request, { json, ifMatch });
      expect(answer, `${request} ${ifMatch}`).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    }
  }
  expect(await call('GET /schedules/nightly')).toMatchObject({ body: { version: 1 } });
  expect(await call('GET /targets/stock')).toMatchObject({ body: { version: 1 } });
});

it('takes an ETag as it was given, weakened by a proxy, or * for whichever version there is', async () => {
  const { call } = await setup();
  const read = await call('GET /schedules/nightly');
  const etag = read.headers.get('etag') ?? '';
  const patch = async (ifMatch: string) =>
    await call('PATCH /schedules/nightly', { json: { description: ifMatch }, ifMatch });
  const strong = await patch(etag);
  expect(strong).toMatchObject({ status: 200, body: { version: 2 } });
  expect(strong.headers.get('etag')).toBe('"2"');
  expect(await patch('W/"2"')).toMatchObject({ status: 200, body: { version: 3 } });
  expect(await patch('*')).toMatchObject({ status: 200, body: { version: 4 } });
  expect(await call('DELETE /schedules/nightly', { ifMatch: '*' })).toMatchObject({ status: 204 });
  expect(await call('DELETE /schedules/nightly', { ifMatch: '*' })).toMatchObject({ status: 404 });
});

it('lets one of many writers of the same version win', async () => {
  const { call } = await setup();
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, writer) =>
      call('PATCH /schedules/nightly', { json: { description: `writer ${writer}` }, ifMatch: '"1"' }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412, 412]);
  const winner = answers.find(({ status }) => status === 200);
  expect((await call('GET /schedules/nightly')).body).toEqual(winner?.body);
});

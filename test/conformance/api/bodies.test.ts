import { expect, it } from 'vitest';
import { ledgerContents } from './support/ledger-contents.ts';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  await api.call('POST /schedules', { json: scheduleBody() });
  const before = await ledgerContents(api.sql);
  const nothingWritten = async () => expect(await ledgerContents(api.sql)).toEqual(before);
  return { ...api, nothingWritten };
}

it('takes 64 KiB and not a byte more, however the length is told', async () => {
  const { app, call, keys, nothingWritten } = await setup();
  const padded = (bytes: number) => `{"no_such":1}${' '.repeat(bytes - 13)}`;
  expect(await call('POST /schedules', { body: padded(65_536) })).toMatchObject({ status: 422 });
  const tooLarge = { status: 413, body: { code: 'payload_too_large' } };
  expect(await call('POST /schedules', { body: padded(65_537) })).toMatchObject(tooLarge);
  const headers = { 'content-length': '65537' };
  expect(await call('POST /schedules', { body: padded(65_537), headers })).toMatchObject(tooLarge);
  expect(await call('POST /schedules', { body: padded(10_000_000), key: null })).toMatchObject(tooLarge);
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(10_000)) });
  const response = await app.request('/api/v1/maintenance/schedules', {
    method: 'POST',
    headers: { authorization: `Bearer ${keys.admin}`, 'content-type': 'application/json' },
    body: endless,
    duplex: 'half',
  } as RequestInit);
  expect(response.status).toBe(413);
  await nothingWritten();
});

it('takes JSON alone', async () => {
  const { call, nothingWritten } = await setup();
  const json = JSON.stringify(scheduleBody({ id: 'other', name: 'Other' }));
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'multipart/form-data',
    '',
  ]) {
    const answer = await call('POST /schedules', { body: json, headers: { 'content-type': type } });
    expect(answer, type).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  }
  const patch = { 'content-type': 'application/merge-patch+json' };
  expect(await call('POST /schedules', { body: json, headers: patch })).toMatchObject({ status: 415 });
  await nothingWritten();
  const headers = { 'content-type': 'Application/JSON; charset=utf-8' };
  expect(await call('POST /schedules', { body: json, headers })).toMatchObject({ status: 201 });
});

it('refuses what is no JSON, and JSON too deep to be meant', async () => {
  const { call, nothingWritten } = await setup();
  const deep = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels);
  const bodies = {
    empty: '',
    cut: '{"name":',
    twice: '{}{}',
    comment: '{/* */}',
    single: "{'name':1}",
    notANumber: '{"name":NaN}',
    word: 'undefined',
    notUtf8: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    deepArrays: deep(10_000, '[', ']'),
    deepest: deep(32_000, '[', ']'),
    deepObjects: `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`,
    deepConfig: JSON.stringify({ ...scheduleBody(), tasks: [{ type: 'CHECKPOINT', config: { a: 0 } }] }).replace(
      '"a":0',
      `"a":${deep(10_000, '[', ']')}`,
    ),
    unclosed: '['.repeat(60_000),
    unclosedString: `"${'\\"'.repeat(30_000)}`,
  };
  for (const [name, body] of Object.entries(bodies)) {
    const answer = await call('POST /schedules', { body });
    expect(answer, name).toMatchObject({ status: 400, body: { code: 'malformed_request' } });
  }
  await nothingWritten();
});

it('refuses a body of another form than an object', async () => {
  const { call, nothingWritten } = await setup();
  for (const body of ['null', '1', '"text"', '[]', '[{}]', 'true']) {
    for (const [request, ifMatch] of [
      ['POST /schedules', undefined],
      ['PATCH /schedules/nightly', '"1"'],
    ] as const) {
      const answer = await call(request, { body, ...(ifMatch && { ifMatch }) });
      expect(answer, `${request} ${body}`).toMatchObject({ status: 422, body: { errors: [{ pointer: '' }] } });
    }
  }
  await nothingWritten();
});

it('refuses a body where none is expected, but for an empty object', async () => {
  const { call } = await setup();
  const answer = await call('POST /schedules/nightly/run', { json: { force: true } });
  expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/force', code: 'unknown_field' }] } });
  expect(await call('POST /schedules/nightly/run', { json: {} })).toMatchObject({ status: 202 });
});

it('refuses the keys of prototypes, wherever they stand', async () => {
  const { call, nothingWritten } = await setup();
  const task = (config: string) =>
    JSON.stringify(scheduleBody({ tasks: ['X'] })).replace('"X"', `{"type":"CHECKPOINT","config":${config}}`);
  const bodies: readonly [string, string, string, string?][] = [
    ['POST /schedules', '{"__proto__":{"id":"x"}}', '/__proto__'],
    ['POST /schedules', task('{"__proto__":{"force":true}}'), '/tasks/0/config/__proto__'],
    ['POST /schedules', task('{"constructor":{"prototype":{}}}'), '/tasks/0/config/constructor'],
    ['PATCH /schedules/nightly', '{"__proto__":{"enabled":false}}', '/__proto__', '"1"'],
    ['PATCH /schedules/nightly', '{"constructor":1}', '/constructor', '"1"'],
    [
      'PATCH /schedules/nightly',
      '{"target_labels":{"__proto__":"x"},"target_ids":null}',
      '/target_labels/__proto__',
      '"1"',
    ],
  ];
  for (const [request, body, pointer, ifMatch] of bodies) {
    const answer = await call(request, { body, ...(ifMatch && { ifMatch }) });
    expect(answer, body).toMatchObject({ status: 422, body: { errors: [{ pointer, code: 'unknown_field' }] } });
  }
  expect(await call('GET /schedules?__proto__=1')).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '?__proto__' }] },
  });
  expect(({} as Record<string, unknown>)['enabled']).toBeUndefined();
  await nothingWritten();
});

it('refuses a query parameter that it does not know, or twice where one is meant', async () => {
  const { call } = await setup();
  for (const path of ['/schedules', '/jobs', '/targets', '/audit', '/health', '/task-types', '/schedules/nightly']) {
    const answer = await call(`GET ${path}?no_such=1`);
    expect(answer, path).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '?no_such', code: 'unknown_field' }] },
    });
  }
  expect(await call('GET /jobs?state=FAILED&state=SKIPPED')).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '?state' }] },
  });
  expect(await call('POST /schedules/nightly/run?force=true')).toMatchObject({ status: 422 });
});

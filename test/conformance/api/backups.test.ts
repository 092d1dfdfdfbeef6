import { Backup } from '@slacktide/contract';
import { expect, it } from 'vitest';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

const path = '/targets/shop/backups';
const nightly = {
  label: 'nightly',
  kind: 'full',
  taken_at: '2026-01-22T02:00:00.000Z',
  size_bytes: 1_000,
  location: '/backups/shop/nightly.tar',
  checksum: 'a'.repeat(64),
};

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  const register = async (changes: object = {}, key = api.keys.write) =>
    await api.call(`POST ${path}`, { json: { ...nightly, ...changes }, key });
  const labels = async (query = '') =>
    (await api.call(`GET ${path}${query}`)).body.items.map(({ label }: { label: string }) => label);
  return { ...api, register, labels };
}

it('keeps what it is told, by whom, with an event each', async () => {
  const { call, keys, register, labels } = await setup();
  const { body, status } = await register();
  expect(status).toBe(201);
  expect(Backup.parse(body)).toMatchObject({ target_id: 'shop', ...nightly, registered_by: 'maintenance:write' });
  expect(await labels()).toEqual(['nightly']);
  expect((await call(`DELETE ${path}/${body.id}`, { key: keys.write })).status).toBe(204);
  expect(await labels()).toEqual([]);
  expect((await call(`DELETE ${path}/${body.id}`)).status).toBe(404);
  const { body: log } = await call(`GET /audit?entity=backup&entity_id=${body.id}`);
  expect(log.items.map(({ action }: { action: string }) => action)).toEqual(['backup.delete', 'backup.register']);
});

it('lists the latest taken first, by page and kind, of one target alone', async () => {
  const api = await setup();
  const { call, register, labels } = api;
  for (const [label, day, kind] of [
    ['second', 2, 'full'],
    ['third', 3, 'wal'],
    ['first', 1, 'full'],
  ] as const) {
    await register({ label, kind, taken_at: `2026-01-0${day}T00:00:00.000Z` });
  }
  expect(await labels()).toEqual(['third', 'second', 'first']);
  expect(await labels('?kind=full')).toEqual(['second', 'first']);
  const { body: page } = await call(`GET ${path}?limit=2`);
  expect(await labels(`?limit=2&cursor=${page.next_cursor}`)).toEqual(['first']);
  await registerUnseen(api, 'other');
  expect((await call('GET /targets/other/backups')).body.items).toEqual([]);
  expect((await call(`DELETE /targets/other/backups/${page.items[0].id}`)).status).toBe(404);
  expect((await call('GET /targets/none/backups')).status).toBe(404);
  expect((await call('POST /targets/none/backups', { json: nightly })).status).toBe(404);
});

it('registers once what is told twice under one key', async () => {
  const { call, labels } = await setup();
  const tell = () => call(`POST ${path}`, { json: nightly, idempotencyKey: 'once' });
  const [first, again] = [await tell(), await tell()];
  expect(again).toMatchObject({ status: 201, text: first.text });
  expect(await labels()).toEqual(['nightly']);
});

it('refuses what is none, and keeps no credentials', async () => {
  const { register, labels, sql } = await setup();
  const wrong: readonly [object, string, string?][] = [
    [{ location: 'https://me:secret@host/x' }, '/location', 'credentials_in_location'],
    [{ location: 's3://b/x?X-Amz-Signature=secret' }, '/location', 'credentials_in_location'],
    [{ location: 'a\nb' }, '/location', 'control_character'],
    [{ kind: 'tape' }, '/kind'],
    [{ size_bytes: -1 }, '/size_bytes'],
    [{ checksum: 'A'.repeat(64) }, '/checksum'],
    [{ taken_at: '2099-01-01T00:00:00.000Z' }, '/taken_at', 'in_future'],
    [{ label: '' }, '/label'],
  ];
  for (const [changes, pointer, code] of wrong) {
    const answer = await register(changes);
    expect(answer, JSON.stringify(changes)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer, code: code ?? expect.any(String) }] },
    });
    expect(answer.text).not.toContain('secret');
  }
  expect(await labels()).toEqual([]);
  await register();
  const update = sql`UPDATE registered_backups SET location = 'https://me:secret@host/x'`;
  await expect(update).rejects.toThrow('registered_backups_no_password');
});

it('forgets the backups of a target that is no longer under care', async () => {
  const api = await setup();
  await api.register();
  expect((await api.call('DELETE /targets/shop', { ifMatch: '*' })).status).toBe(204);
  await registerUnseen(api);
  expect(await api.labels()).toEqual([]);
});

it('is for readers to see, and for writers to change', async () => {
  const { call, keys, register } = await setup();
  expect((await register({}, keys.read)).status).toBe(403);
  const { body } = await register();
  expect((await call(`GET ${path}`, { key: keys.read })).status).toBe(200);
  expect((await call(`DELETE ${path}/${body.id}`, { key: keys.read })).status).toBe(403);
});

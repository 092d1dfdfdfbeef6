import { randomUUID } from 'node:crypto';
import { connectDispatch } from '@slacktide/dispatch';
import { expect, inject, it, onTestFinished } from 'vitest';
import { mountQueueBoard } from '../../../apps/control-plane/src/api/queue-board.ts';
import { freePort } from '../../support/free-port.ts';
import { startApi } from './support/start-api.ts';

/** The API with the board of the queues of two task types; BullMQ's keys are the test's own. */
async function setup(redisUrl = inject('redisUrl'), options = { limitMs: 5_000 }) {
  const api = await startApi({ worker: null });
  const prefix = `test-${randomUUID()}`;
  const taskTypes = ['INDEX_REBUILD', 'CHECKPOINT'];
  const dispatch = connectDispatch({ redisUrl, prefix, taskTypes, onError: () => undefined });
  onTestFinished(() => dispatch.close());
  mountQueueBoard(api.app, api.deps, dispatch.queues, options);
  const basic = (key: string, name = 'any') => ({
    authorization: `Basic ${Buffer.from(`${name}:${key}`).toString('base64')}`,
  });
  return { ...api, dispatch, basic };
}

it('asks whoever has no key for one, in a way that a browser understands', async () => {
  const { basic, call } = await setup();
  for (const headers of [{}, basic('wrong'), { authorization: 'Basic !!!' }, { authorization: 'Basic' }]) {
    const answer = await call('GET /queues', { key: null, headers });
    expect(answer, JSON.stringify(headers)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/);
  }
});

it('is for admins: with the key as bearer, in X-API-Key, or as the password of any name', async () => {
  const { basic, call, keys } = await setup();
  for (const key of [keys.read, keys.write]) {
    expect(await call('GET /queues', { key })).toMatchObject({ status: 403 });
    expect(await call('GET /queues', { key: null, headers: basic(key) })).toMatchObject({ status: 403 });
  }
  const ways = [{ 'x-api-key': keys.admin }, basic(keys.admin), basic(keys.admin, ''), basic(keys.admin, 'jörg')];
  for (const headers of [{ authorization: `Bearer ${keys.admin}` }, ...ways]) {
    const page = await call('GET /queues', { key: null, headers });
    expect(page.status).toBe(200);
    expect(page.text).toContain('Slacktide queues');
  }
});

it('guards every path below it, known or not', async () => {
  const { call, keys } = await setup();
  for (const path of [
    '/queues/',
    '/queues/api/queues',
    '/queues/static/js/x.js',
    '/queues/nowhere',
    '/queues/queue/x',
  ]) {
    expect(await call(`GET ${path}`, { key: null }), path).toMatchObject({ status: 401 });
    expect(await call(`GET ${path}`, { key: keys.write }), path).toMatchObject({ status: 403 });
  }
});

it('refuses every change, even to admins', async () => {
  const { call, dispatch } = await setup();
  const [queue] = dispatch.queues;
  const job = await queue?.add('x', {}, { delay: 3_600_000 });
  onTestFinished(async () => {
    await queue?.obliterate({ force: true });
  });
  const at = `/queues/api/queues/${queue?.name}`;
  const changes = ['pause', 'resume', 'clean/failed', 'promote', 'add', `${job?.id}/retry`, `${job?.id}/clean`, ''];
  for (const change of changes) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await call(`${method} ${at}/${change}`, { json: {} });
      expect(answer, `${method} ${change}`).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
  }
  expect(await queue?.isPaused()).toBe(false);
  expect(await queue?.getDelayedCount()).toBe(1);
});

it('shows the queues, from its own files alone', async () => {
  const { call } = await setup();
  const redirected = await call('GET /queues/');
  expect(redirected).toMatchObject({ status: 302 });
  expect(redirected.headers.get('location')).toBe('/queues');

  const page = await call('GET /queues');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src/);
  const [, base = ''] = /<base href="([^"]+)"/.exec(page.text) ?? [];
  const files = [...page.text.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, file = '']) => file);
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) {
    const { pathname } = new URL(file, new URL(base, 'http://127.0.0.1/queues'));
    expect(await call(`GET ${pathname}`), pathname).toMatchObject({ status: 200 });
  }
  const { body } = await call('GET /queues/api/queues');
  const names = body.queues.map(({ name }: { name: string }) => name);
  expect(names.sort()).toEqual(['checkpoint', 'finalise', 'index-rebuild', 'ticks']);
  for (const queue of body.queues) expect(queue.readOnlyMode).toBe(true);
});

it('answers while Redis is away: the page as ever, for the figures it waits no longer than a limit', async () => {
  const { call } = await setup(`redis://127.0.0.1:${await freePort()}`, { limitMs: 100 });
  expect(await call('GET /queues')).toMatchObject({ status: 200 });
  expect(await call('GET /queues/api/queues')).toMatchObject({ status: 503, body: { code: 'queues_unavailable' } });
});

import type { Scope } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../../apps/control-plane/src/api/app.ts';
import type { Endpoint, Permission } from '../../../apps/control-plane/src/api/endpoint.ts';
import { endpoints } from '../../../apps/control-plane/src/api/endpoints.ts';
import { mountQueueBoard } from '../../../apps/control-plane/src/api/queue-board.ts';
import { register } from '../../../apps/control-plane/src/api/register.ts';
import { type Api, startApi } from './support/start-api.ts';

/** Not endpoints, each with a test of its own: the document and its page are public, the board has its own guard. */
const otherRoutes = /^GET \/(|openapi\.json|docs(\/[\w.-]+)?)$|^[A-Z]+ \/queues(\/|$)/;

const nameOf = ({ method, path }: Endpoint): string => `${method.toUpperCase()} ${path}`;

/** One key of every kind; null = none is sent. */
async function keysOfEveryKind(api: Api): Promise<Record<string, string | null>> {
  const everything: readonly Scope[] = ['maintenance:read', 'maintenance:write', 'maintenance:admin'];
  const expired = await api.newKey(everything, new Date(Date.now() - 1_000));
  const revoked = await api.newKey(everything);
  await api.sql`UPDATE api_keys SET revoked_at = now() WHERE id = ${revoked.id}`;
  const wrongSecret = api.keys.admin.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
  const unknown = `slk_${'0'.repeat(16)}_${'A'.repeat(43)}`;
  return { none: null, ...api.keys, expired: expired.key, revoked: revoked.key, wrongSecret, unknown, garbage: '%00' };
}

function expectedOf(kind: string, permission: Permission): string {
  if (permission === 'public') return 'let in';
  const held = ['read', 'write', 'admin'].indexOf(kind);
  if (held === -1) return '401';
  return held >= ['maintenance:read', 'maintenance:write', 'maintenance:admin'].indexOf(permission) ? 'let in' : '403';
}

it('lets every endpoint be called with its scope and with nothing less', async () => {
  const api = await startApi();
  const keys = await keysOfEveryKind(api);
  const got: Record<string, Record<string, string>> = {};
  const wanted: Record<string, Record<string, string>> = {};
  for (const endpoint of endpoints) {
    const request = nameOf(endpoint).replaceAll(/\{\w+\}/g, 'no-such-thing');
    const answers = Object.entries(keys).map(async ([kind, key]) => {
      const { status } = await api.call(request, { key, ...(endpoint.body === undefined ? {} : { json: {} }) });
      return [kind, [401, 403].includes(status) ? String(status) : 'let in'] as const;
    });
    got[nameOf(endpoint)] = Object.fromEntries(await Promise.all(answers));
    wanted[nameOf(endpoint)] = Object.fromEntries(
      Object.keys(keys).map((kind) => [kind, expectedOf(kind, endpoint.permission)]),
    );
  }
  expect(Object.keys(got).length).toBeGreaterThan(25);
  expect(got).toEqual(wanted);
});

it('asks for `admin` where secrets, addresses or whole tables are at stake, for `write` to change, for `read` to look', () => {
  const admin = endpoints.filter(({ permission }) => permission === 'maintenance:admin').map(nameOf);
  expect(admin.sort()).toEqual([
    'DELETE /api/v1/maintenance/targets/{id}',
    'GET /api/v1/maintenance/audit',
    'GET /api/v1/maintenance/audit/export',
    'GET /api/v1/maintenance/audit/heads',
    'POST /api/v1/admin/maintenance',
    'POST /api/v1/maintenance/audit/verify',
    'POST /api/v1/maintenance/custom-templates',
    'POST /api/v1/maintenance/custom-templates/{name}/versions/{version}/retire',
    'POST /api/v1/maintenance/findings/{id}/apply',
    'POST /api/v1/maintenance/jobs/{id}/rollback',
    'POST /api/v1/maintenance/targets',
    'PUT /api/v1/maintenance/targets/{id}',
  ]);
  for (const endpoint of endpoints.filter(({ permission }) => permission !== 'maintenance:admin')) {
    const inOrder = endpoint.method === 'get' ? 'maintenance:read' : 'maintenance:write';
    const isProbe = ['/livez', '/readyz', '/metrics'].includes(endpoint.path);
    expect(endpoint.permission, nameOf(endpoint)).toBe(isProbe ? 'public' : inOrder);
  }
});

it('serves nothing but the endpoints that are listed, and what has a test of its own', async () => {
  const { app, deps } = await startApi({ worker: null });
  mountQueueBoard(app, deps, []);
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect(served.filter((route) => !otherRoutes.test(route)).sort()).toEqual(endpoints.map(nameOf).sort());
});

it('serves probes alone where the role `api` is not among the roles', async () => {
  const { deps } = await startApi({ worker: null });
  const app = createApp(deps, '0', { withApi: false });
  const status = async (path: string) => (await app.request(path)).status;
  expect(await Promise.all(['/livez', '/readyz', '/metrics'].map(status))).toEqual([200, 200, 200]);
  expect(await Promise.all(['/docs', '/openapi.json', '/api/v1/maintenance/jobs'].map(status))).toEqual([
    404, 404, 404,
  ]);
});

describe('at boot', () => {
  const [first] = endpoints;
  /** Registers endpoints like the first one, but at a path of their own and with these changes. */
  const registering = async (...changes: readonly object[]) => {
    const { deps } = await startApi({ worker: null });
    const app = createApp(deps, '0', { withApi: false });
    return () => {
      for (const change of changes) register(app, deps, { ...first, path: '/test', ...change } as Endpoint);
    };
  };

  it('refuses an endpoint without a permission that there is', async () => {
    for (const permission of [undefined, null, 'maintenance:reed', '']) {
      expect(await registering({ permission }), String(permission)).toThrow('declares no known permission');
    }
    expect(await registering({ permission: 'maintenance:read' })).not.toThrow();
  });

  it('refuses two endpoints with one path and method', async () => {
    expect(await registering({}, {})).toThrow('is declared twice');
  });
});

describe('a key', () => {
  it('is taken from X-API-Key, and from Authorization whatever the case of `Bearer`', async () => {
    const { call, keys } = await startApi({ worker: null });
    const withHeaders = (headers: Record<string, string>) => call('GET /jobs', { key: null, headers });
    expect(await withHeaders({ 'x-api-key': keys.read })).toMatchObject({ status: 200 });
    expect(await withHeaders({ authorization: `bEARER  ${keys.read}` })).toMatchObject({ status: 200 });
  });

  it('is not taken from Basic credentials, which a browser would send by itself, nor from the query', async () => {
    const { call, keys } = await startApi({ worker: null });
    const authorization = `Basic ${Buffer.from(`any:${keys.admin}`).toString('base64')}`;
    const answer = await call('GET /jobs', { key: null, headers: { authorization } });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="slacktide"');
    expect(await call(`GET /jobs?api_key=${keys.admin}`, { key: null })).toMatchObject({ status: 401 });
  });

  it('opens nothing any longer from the moment it is revoked', async () => {
    const { call, newKey, sql } = await startApi({ worker: null });
    const { id, key } = await newKey(['maintenance:read']);
    expect(await call('GET /jobs', { key })).toMatchObject({ status: 200 });
    await sql`UPDATE api_keys SET revoked_at = now() WHERE id = ${id}`;
    expect(await call('GET /jobs', { key })).toMatchObject({
      status: 401,
      body: { detail: 'The API key was revoked' },
    });
  });
});

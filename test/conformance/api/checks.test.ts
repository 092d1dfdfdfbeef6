import { checkNames } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  return api;
}

describe('checks', () => {
  it('are listed with their defaults and the JSON Schema of their configuration', async () => {
    const { call, keys } = await setup();
    const { body } = await call('GET /checks', { key: keys.read });
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual([...checkNames]);
    const unused = body.items.find(({ name }: { name: string }) => name === 'unused_index');
    expect(unused.defaults).toMatchObject({ min_scans: 10, days_unused: 7 });
    expect(unused.config_schema.properties.min_scans).toMatchObject({ default: 10, description: expect.any(String) });
  });

  it('are run as a job of their own, all or those named, each once', async () => {
    const { call } = await setup();
    const config = { unused_index: { min_scans: 5 } };
    const all = await call('POST /checks/run', { json: { target_id: 'shop', checks: 'all', config } });
    expect(all.status).toBe(202);
    expect(all.headers.get('location')).toBe(`/api/v1/maintenance/jobs/${all.body.id}`);
    expect(all.body).toMatchObject({
      trigger: 'adhoc',
      result: null,
      tasks: [{ type: 'DATABASE_CHECK', config: { checks: [], config } }],
    });
    const some = await call('POST /checks/run', {
      json: { target_id: 'shop', checks: ['integrity', 'security', 'integrity'] },
    });
    expect(some.body.tasks[0].config.checks).toEqual(['integrity', 'security']);
  });

  it('are refused at the field that is wrong, and nothing is started', async () => {
    const { call } = await setup();
    const wrong: readonly [object, string][] = [
      [{ checks: 'all' }, '/target_id'],
      [{ target_id: 'nowhere', checks: 'all' }, '/target_id'],
      [{ target_id: 'shop' }, '/checks'],
      [{ target_id: 'shop', checks: [] }, '/checks'],
      [{ target_id: 'shop', checks: ['all'] }, '/checks'],
      [{ target_id: 'shop', checks: ['unused_indexes'] }, '/checks'],
      [{ target_id: 'shop', checks: 'all', config: { unused: {} } }, '/config/unused'],
      [
        { target_id: 'shop', checks: 'all', config: { unused_index: { min_scan: 1 } } },
        '/config/unused_index/min_scan',
      ],
      [
        { target_id: 'shop', checks: 'all', config: { unused_index: { min_scans: -1 } } },
        '/config/unused_index/min_scans',
      ],
      [{ target_id: 'shop', checks: 'all', config: { unused_index: 3 } }, '/config/unused_index'],
      [{ target_id: 'shop', checks: 'all', force: true }, '/force'],
    ];
    for (const [json, pointer] of wrong) {
      const answer = await call('POST /checks/run', { json });
      expect(answer, JSON.stringify(json)).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
      expect(answer.body.errors[0].pointer, JSON.stringify(json)).toMatch(new RegExp(`^${pointer}(/|$)`));
    }
    expect((await call('GET /jobs')).body.items).toEqual([]);
  });

  it('are for writers to run', async () => {
    const { call, keys } = await setup();
    const json = { target_id: 'shop', checks: 'all' };
    expect((await call('POST /checks/run', { key: keys.read, json })).status).toBe(403);
    expect((await call('POST /checks/run', { key: keys.write, json })).status).toBe(202);
  });

  it('tell of their latest run on a target', async () => {
    const { call } = await setup();
    expect(await call('GET /targets/shop/checks')).toMatchObject({
      status: 200,
      body: { target_id: 'shop', items: [] },
    });
    expect((await call('GET /targets/nowhere/checks')).status).toBe(404);
  });
});

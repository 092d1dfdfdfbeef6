import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takeCareFile } from '@slacktide/application';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readCareFile } from '../../../apps/control-plane/src/care-file.ts';
import { type Api, startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  return api;
}

interface Setting {
  readonly path: string;
  readonly value: unknown;
  readonly origin: string;
}

const minScans = 'features.index_cleanup.min_scans';

async function settingOf({ call }: Api, path: string, query = '?target_id=shop'): Promise<Setting | undefined> {
  const { body } = await call(`GET /care/settings${query}`);
  return body.items.find((item: Setting) => item.path === path);
}

async function patch({ call }: Api, query: string, json: unknown, ifMatch = '*') {
  return await call(`PATCH /care/settings${query}`, { json, ifMatch });
}

async function takeFile({ deps }: Api, text: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'slacktide-care-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'care.yaml');
  writeFileSync(file, text);
  const ctx = {
    actor: { kind: 'system', id: 'care-file', name: 'care file' } as const,
    traceId: '0'.repeat(31) + 1,
    traceparent: `00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-01`,
  };
  await takeCareFile(deps, ctx, readCareFile(file));
}

describe('settings of care', () => {
  it('come from defaults, the file, the fleet and the target, each over those before it', async () => {
    const api = await setup();
    const say = (value: unknown) => ({ features: { index_cleanup: { min_scans: value } } });
    expect(await settingOf(api, minScans)).toMatchObject({ value: 10, origin: 'default' });
    await takeFile(api, 'features:\n  index_cleanup:\n    min_scans: 20\n');
    expect(await settingOf(api, minScans)).toMatchObject({ value: 20, origin: 'file' });
    expect(await patch(api, '', say(30))).toMatchObject({ status: 200, body: { target_id: null, version: 1 } });
    expect(await settingOf(api, minScans)).toMatchObject({ value: 30, origin: 'fleet' });
    await patch(api, '?target_id=shop', say(40));
    expect(await settingOf(api, minScans)).toMatchObject({ value: 40, origin: 'target' });
    expect(await settingOf(api, minScans, '')).toMatchObject({ value: 30, origin: 'fleet' });
    await patch(api, '?target_id=shop', say(null));
    expect(await settingOf(api, minScans)).toMatchObject({ value: 30, origin: 'fleet' });
    await patch(api, '', say(null));
    expect(await settingOf(api, minScans)).toMatchObject({ value: 20, origin: 'file' });
    await takeFile(api, '# nothing said\n');
    expect(await settingOf(api, minScans)).toMatchObject({ value: 10, origin: 'default' });
    const { body } = await api.call('GET /audit?entity=care_settings');
    expect(body.items.map(({ action }: { action: string }) => action)).toEqual([
      'care_settings.file',
      'care_settings.patch',
      'care_settings.patch',
      'care_settings.patch',
      'care_settings.patch',
      'care_settings.file',
    ]);
  });

  it('refuse a key that is not known with the one that was probably meant, and change nothing', async () => {
    const api = await setup();
    const wrong: readonly [unknown, string, RegExp][] = [
      [
        { features: { index_cleanup: { min_scan: 3 } } },
        '/features/index_cleanup/min_scan',
        /did you mean min_scans\?/,
      ],
      [{ features: { indexcleanup: {} } }, '/features/indexcleanup', /did you mean index_cleanup\?/],
      [{ feature: {} }, '/feature', /did you mean features\?/],
      [{ features: { index_cleanup: { min_scans: 'ten' } } }, '/features/index_cleanup/min_scans', /./],
      [{ features: { index_health: { bloat_threshold: 200 } } }, '/features/index_health/bloat_threshold', /./],
    ];
    for (const [json, pointer, detail] of wrong) {
      const answer = await patch(api, '', json);
      expect(answer, JSON.stringify(json)).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
      expect(answer.body.errors[0].detail).toMatch(detail);
    }
    expect((await api.call('GET /care/settings')).body.version).toBe(0);
  });

  it('are changed by whoever has seen what he changes', async () => {
    const api = await setup();
    const json = { features: { index_cleanup: { enabled: false } } };
    const { headers } = await api.call('GET /care/settings?target_id=shop');
    expect(headers.get('etag')).toBe('"0"');
    expect((await patch(api, '?target_id=shop', json, '"0"')).headers.get('etag')).toBe('"1"');
    expect(await patch(api, '?target_id=shop', json, '"0"')).toMatchObject({ status: 412 });
    expect((await api.call('PATCH /care/settings', { json })).status).toBe(428);
    expect((await patch(api, '?target_id=nowhere', json)).status).toBe(404);
    const asReader = { key: api.keys.read, json, ifMatch: '*' };
    expect((await api.call('PATCH /care/settings', asReader)).status).toBe(403);
  });

  it.each([
    ['features: [', /flow/i],
    ['- a\n- b', /expected keys/],
    ['features:\n  index_clenup: {}', /did you mean index_cleanup\?/],
    ['features:\n  index_cleanup:\n    min_scans: many', /min_scans/],
  ])('refuse the file %j', async (text, message) => {
    const api = await setup();
    await expect(takeFile(api, text)).rejects.toThrow(message);
  });
});

describe('care', () => {
  it('is run now as a job of its own, forced or not', async () => {
    const { call } = await setup();
    const { body, status } = await call('POST /care/run', { json: { target_id: 'shop', force: true } });
    expect(status).toBe(202);
    expect(body.tasks).toMatchObject([{ type: 'POSTGRES_CARE', config: { force: true } }]);
    expect((await call('POST /care/run', { json: { target_id: 'shop' } })).body.tasks[0].config).toEqual({
      force: false,
    });
    expect(await call('POST /care/run', { json: { target_id: 'nowhere' } })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/target_id', code: 'unknown_target' }] },
    });
  });

  it('has its status: every step, when it ran and when it is due', async () => {
    const api = await setup();
    await api.call('POST /schedules', {
      json: { id: 'care', name: 'Care', cron_expression: '0 * * * *', target_ids: ['shop'], tasks: ['POSTGRES_CARE'] },
    });
    await patch(api, '?target_id=shop', { features: { index_health: { enabled: false } } });
    const { body, status } = await api.call('GET /status', { key: api.keys.read });
    expect(status).toBe(200);
    expect(body.items).toMatchObject([
      {
        target_id: 'shop',
        enabled: true,
        last_run: null,
        next_due_at: expect.stringMatching(/:00:00\.000Z$/),
        open_findings: { info: 0, warning: 0, critical: 0 },
      },
    ]);
    expect(body.items[0].steps).toHaveLength(18);
    expect(body.items[0].steps[7]).toMatchObject({ key: '07-index-health', enabled: false, last_run_at: null });
    expect((await api.call('GET /status?target_id=nowhere')).status).toBe(404);
  });
});

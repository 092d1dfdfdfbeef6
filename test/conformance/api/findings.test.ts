import { describe, expect, it } from 'vitest';
import { seedFinding } from './support/finding.ts';
import { startApi } from './support/start-api.ts';
import { registerTarget, registerUnseen } from './support/target.ts';

async function setup() {
  const api = await startApi({ worker: null, inquiryTimeoutMs: 50 });
  await registerUnseen(api);
  return api;
}

const ids = (body: { items: { id: string }[] }): string[] => body.items.map(({ id }) => id);

describe('findings', () => {
  it('are listed newest first, page by page, by target, check, state and severity', async () => {
    const api = await setup();
    const at = (minute: number) => new Date(Date.UTC(2026, 10, 30, 10, minute));
    const first = await seedFinding(api, { at: at(1) });
    const second = await seedFinding(api, { at: at(2), severity: 'critical', checkName: 'integrity', action: null });
    const third = await seedFinding(api, { at: at(3), resolvedAt: at(9), targetId: 'stock' });
    const list = async (query: string) => (await api.call(`GET /findings${query}`)).body;

    expect(ids(await list(''))).toEqual([third, second, first]);
    const page = await list('?limit=2');
    expect(ids(page)).toEqual([third, second]);
    expect(ids(await list(`?limit=2&cursor=${page.next_cursor}`))).toEqual([first]);
    expect(ids(await list('?target_id=shop'))).toEqual([second, first]);
    expect(ids(await list('?check=integrity'))).toEqual([second]);
    expect(ids(await list('?state=resolved'))).toEqual([third]);
    expect(ids(await list('?state=open&severity=warning'))).toEqual([first]);
    expect(await api.call(`GET /findings/${second}`)).toMatchObject({
      status: 200,
      body: { id: second, state: 'open', action: null, mute: null, resolved_at: null },
    });
  });

  it('are refused at the parameter that is wrong', async () => {
    const { call } = await setup();
    for (const query of ['?check=bloat', '?state=closed', '?severity=bad', '?cursor=x', '?limit=0', '?object=t']) {
      const answer = await call(`GET /findings${query}`);
      expect(answer, query).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
      expect(answer.body.errors[0].pointer).toBe(query.replace(/=.*/, ''));
    }
    for (const id of ['nothing', '01a2013a-7cce-7c3f-87e0-7dfe651239cd']) {
      expect((await call(`GET /findings/${id}`)).status, id).toBe(404);
      expect((await call(`POST /findings/${id}/mute`, { json: { reason: 'x' } })).status, id).toBe(404);
      expect((await call(`POST /findings/${id}/apply`, { json: {} })).status, id).toBe(404);
    }
  });

  it('are muted for a time or for good, and unmuted, each with an event', async () => {
    const api = await setup();
    const { call } = api;
    const id = await seedFinding(api);
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const muted = await call(`POST /findings/${id}/mute`, { json: { reason: 'next release', until } });
    expect(muted).toMatchObject({ status: 200, body: { state: 'muted', mute: { reason: 'next release', until } } });
    expect(await call(`POST /findings/${id}/mute`, { json: { reason: 'for good' } })).toMatchObject({
      body: { state: 'muted', mute: { reason: 'for good', until: null } },
    });
    expect(await call(`POST /findings/${id}/unmute`, { json: { reason: 'put off' } })).toMatchObject({
      status: 200,
      body: { state: 'open', mute: null },
    });
    const { body } = await call(`GET /audit?entity=finding&entity_id=${id}`);
    expect(body.items.map(({ action, reason }: { action: string; reason: string }) => [action, reason])).toEqual([
      ['finding.unmute', 'put off'],
      ['finding.mute', 'for good'],
      ['finding.mute', 'next release'],
    ]);
    expect((await call(`POST /findings/${id}/unmute`, { json: {} })).status).toBe(200);
  });

  it('are not muted without a reason, nor until a moment that is past', async () => {
    const api = await setup();
    const id = await seedFinding(api);
    const wrong: readonly [unknown, string][] = [
      [{}, '/reason'],
      [{ reason: ' ' }, '/reason'],
      [{ reason: 'x', until: '2020-01-01T00:00:00.000Z' }, '/until'],
      [{ reason: 'x', until: 'tomorrow' }, '/until'],
      [{ reason: 'x', for: 3 }, '/for'],
    ];
    for (const [json, pointer] of wrong) {
      const answer = await api.call(`POST /findings/${id}/mute`, { json });
      expect(answer, JSON.stringify(json)).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
    }
    expect((await api.call(`GET /findings/${id}`)).body.state).toBe('open');
  });

  it('are for readers to see, for writers to mute, for admins to act on', async () => {
    const api = await setup();
    const { call, keys } = api;
    const id = await seedFinding(api);
    expect((await call(`GET /findings/${id}`, { key: keys.read })).status).toBe(200);
    expect((await call(`POST /findings/${id}/mute`, { key: keys.read, json: { reason: 'x' } })).status).toBe(403);
    expect((await call(`POST /findings/${id}/mute`, { key: keys.write, json: { reason: 'x' } })).status).toBe(200);
    expect((await call(`POST /findings/${id}/apply`, { key: keys.write, json: {} })).status).toBe(403);
    expect((await call(`POST /findings/${id}/apply`, { key: keys.admin, json: {} })).body.code).toBe('no_worker');
  });

  it('are not acted on when resolved, when nothing is proposed, or by a schedule', async () => {
    const api = await setup();
    const resolved = await seedFinding(api, { resolvedAt: new Date() });
    const hopeless = await seedFinding(api, { action: null });
    for (const id of [resolved, hopeless]) {
      expect(await api.call(`POST /findings/${id}/apply`, { json: {} })).toMatchObject({
        status: 409,
        body: { code: 'conflict' },
      });
    }
    for (const [request, json] of [
      ['POST /plans', { target_id: 'shop', tasks: ['FINDING_ACTION'] }],
      [
        'POST /schedules',
        { name: 'x', cron_expression: '@daily', target_ids: ['shop'], tasks: [{ type: 'FINDING_ACTION' }] },
      ],
    ] as const) {
      expect(await api.call(request, { json })).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/tasks/0', code: 'not_schedulable' }] },
      });
    }
  });

  it('that are gone from the target by now have an empty plan, and nothing to confirm', async () => {
    const api = await startApi();
    await registerTarget(api);
    const id = await seedFinding(api, { fingerprint: 'index:public.orders_customer' });
    const { body, status } = await api.call(`POST /findings/${id}/apply`, { json: {} });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      plan_id: null,
      plan: { tasks: [{ steps: [], skipped: [{ reason: 'not_found_any_more' }] }] },
    });
    const confirmed = await api.call(`POST /findings/${id}/apply`, { json: { plan_id: 'a'.repeat(32) } });
    expect(confirmed).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });
});

import { expect, it } from 'vitest';
import { startApi } from './support/start-api.ts';
import { registerTarget } from './support/target.ts';

it('judges a statement without running it, and keeps nothing of it', async () => {
  const api = await startApi();
  await registerTarget(api);
  const sql = `SELECT * FROM public.orders WHERE id = 4711`;
  const { status, body } = await api.call('POST /queries/assess', { json: { target_id: 'shop', sql } });
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { risk: 'low', reasons: [], plan: { total_cost: expect.any(Number) }, model: null, similar: [] },
  });
  const kept = await api.sql`SELECT to_jsonb(inquiries) AS row FROM inquiries`;
  expect(kept.length).toBeGreaterThan(0);
  expect(JSON.stringify(kept)).not.toContain('4711');
});

it('refuses what is not one statement, at its place', async () => {
  const api = await startApi();
  await registerTarget(api);
  const { status, body } = await api.call('POST /queries/assess', {
    json: { target_id: 'shop', sql: 'SELECT 1; SELECT 2' },
  });
  expect({ status, body }).toMatchObject({
    status: 422,
    body: { code: 'invalid_request', errors: [{ pointer: '/sql', code: 'not_one_statement' }] },
  });
  const unknown = await api.call('POST /queries/assess', { json: { target_id: 'nobody', sql: 'SELECT 1' } });
  expect(unknown.body.errors).toMatchObject([{ pointer: '/target_id', code: 'unknown_target' }]);
});

it('lists what was learned, by target and kind, without the trees of the model', async () => {
  const { call, sql } = await startApi({ worker: null });
  await sql`
    INSERT INTO learnings (target_id, kind, key, value)
    VALUES ('shop', 'model', 'query_risk', '{"used": false, "forest": {"trees": 25}}'), ('shop', 'pattern', 'abc', '{"kind": "slow"}')`;
  expect((await call('GET /learnings?target_id=shop&kind=model')).body).toMatchObject({
    items: [{ target_id: 'shop', kind: 'model', key: 'query_risk', value: { used: false } }],
    next_cursor: null,
  });
  const { body } = await call('GET /learnings?kind=model');
  expect(body.items[0].value).toEqual({ used: false });
  expect((await call('GET /learnings?target_id=other')).body.items).toEqual([]);
  expect((await call('GET /learnings?kind=nonsense')).status).toBe(422);
});

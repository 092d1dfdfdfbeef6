import type { Sql } from 'postgres';
import { describe, expect, it } from 'vitest';
import { ledgerContents } from './support/ledger-contents.ts';
import { startApi } from './support/start-api.ts';
import { registerTarget, registerUnseen } from './support/target.ts';

const admin = 'POST /api/v1/admin/maintenance';

async function setup() {
  const api = await startApi();
  await registerTarget(api);
  return api;
}

/** All of the ledger but the questions to workers. */
async function written(sql: Sql) {
  const { inquiries: _, ...contents } = await ledgerContents(sql);
  return contents;
}

describe('an operation', () => {
  it('starts a job of one task now', async () => {
    const { call } = await setup();
    const operations = [
      { operation: 'vacuum', type: 'MVCC_CLEANUP', tables: ['orders'] },
      { operation: 'analyze', type: 'STATISTICS_UPDATE', tables: ['public.orders', 'customers'] },
      { operation: 'reindex', type: 'INDEX_REBUILD', tables: ['orders'] },
      { operation: 'checkpoint', type: 'CHECKPOINT', tables: [] },
    ];
    for (const { operation, tables, type } of operations) {
      const { body, headers, status } = await call(admin, { json: { operation, tables, target: 'shop' } });
      expect(status, operation).toBe(202);
      expect(headers.get('location')).toBe(`/api/v1/maintenance/jobs/${body.id}`);
      expect(body).toMatchObject({ schedule_id: null, target_id: 'shop', trigger: 'adhoc', tasks: [{ type }] });
      if (tables.length > 0) expect(body.tasks[0].config.tables).toEqual(tables);
      expect(await call(`GET ${headers.get('location')}`)).toMatchObject({ status: 200, body });
    }
  });

  it('is of all tables when none is named, and of the only target when none is', async () => {
    const { call } = await setup();
    const { body, status } = await call(admin, { json: { operation: 'analyze' } });
    expect(status).toBe(202);
    expect(body).toMatchObject({ target_id: 'shop', tasks: [{ config: { tables: [] } }] });
  });

  it('takes further configuration as options', async () => {
    const { call } = await setup();
    const json = { operation: 'checkpoint', options: { force: true } };
    expect(await call(admin, { json })).toMatchObject({ status: 202, body: { tasks: [{ config: { force: true } }] } });
  });

  it('on a table that the target lacks is refused, naming it, and nothing is started', async () => {
    const { call, sql } = await setup();
    const before = await written(sql);
    for (const name of [
      't"; drop table x; --',
      'orders; DROP TABLE orders',
      "orders' OR 1=1",
      'nowhere.orders',
      'orderz',
    ]) {
      const json = { operation: 'vacuum', tables: ['orders', name] };
      const answer = await call(admin, { json, idempotencyKey: 'operation-1' });
      expect(answer, name).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
      expect(answer.body.errors, name).toMatchObject([{ pointer: '/tables/1' }]);
    }
    expect(await written(sql)).toEqual(before);
  });

  it('must say on which target when there are several, and is told which there are', async () => {
    const api = await setup();
    await registerUnseen(api, 'stock');
    const answer = await api.call(admin, { json: { operation: 'checkpoint' } });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: '/target', code: 'required' }] } });
    expect(answer.body.detail).toContain('stock, shop');
  });

  it('is refused at the field that is wrong', async () => {
    const { call } = await setup();
    const wrong: readonly [object, string, string][] = [
      [{ operation: 'vacuum', target: 'nowhere' }, '/target', 'unknown_target'],
      [{ operation: 'checkpoint', tables: ['orders'] }, '/tables', 'not_applicable'],
      [{ operation: 'vacuum', options: { tables: ['orders'] } }, '/options/tables', 'not_allowed'],
      [{ operation: 'vacuum', options: { no_such: 1 } }, '/options/no_such', 'unknown_field'],
      [{ operation: 'drop' }, '/operation', 'not_allowed'],
      [{}, '/operation', 'not_allowed'],
      [{ operation: 'vacuum', tables: 'orders' }, '/tables', 'wrong_type'],
      [{ operation: 'vacuum', tables: [''] }, '/tables/0', 'too_small'],
    ];
    for (const [json, pointer, code] of wrong) {
      const answer = await call(admin, { json });
      expect(answer, JSON.stringify(json)).toMatchObject({ status: 422, body: { errors: [{ pointer, code }] } });
    }
  });

  it('is answered 503 with a time to come again when no worker is there', async () => {
    const api = await startApi({ worker: null, inquiryTimeoutMs: 50 });
    await registerUnseen(api);
    const answer = await api.call(admin, { json: { operation: 'vacuum', tables: ['orders'] } });
    expect(answer).toMatchObject({ status: 503, body: { code: 'no_worker' } });
    expect(answer.headers.get('retry-after')).toBe('5');
    // Nothing to look up: the job waits for a worker.
    const waiting = await api.call(admin, { json: { operation: 'checkpoint' } });
    expect(waiting).toMatchObject({ status: 202, body: { state: 'PENDING' } });
  });

  it('is refused when the target cannot be reached, by the field that names it', async () => {
    const api = await startApi();
    await registerUnseen(api);
    const answer = await api.call(admin, { json: { operation: 'checkpoint', target: 'shop' } });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'target_unreachable', errors: [{ pointer: '/target', code: 'unreachable' }] },
    });
  });
});

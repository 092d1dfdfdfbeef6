import { expect, it } from 'vitest';
import { z } from 'zod';
import { ledgerContents } from './support/ledger-contents.ts';
import { startApi } from './support/start-api.ts';
import { registerTarget } from './support/target.ts';

it('lists every task type with a JSON Schema that says what its configuration may hold', async () => {
  const { call } = await startApi({ worker: null });
  const { body } = await call('GET /task-types');
  expect(body.items.map(({ name, access }: { name: string; access: string }) => [name, access])).toEqual([
    ['AUDIT_LOG_FLUSH', 'observe'],
    ['BACKUP_VERIFICATION', 'observe'],
    ['BLOOM_FILTER_REBUILD', 'act'],
    ['CACHE_WARM', 'act'],
    ['CHECKPOINT', 'act'],
    ['CUSTOM', 'act'],
    ['DATABASE_CHECK', 'observe'],
    ['DEAD_LETTER_DRAIN', 'observe'],
    ['FINDING_ACTION', 'act'],
    ['INDEX_CONSISTENCY_CHECK', 'observe'],
    ['INDEX_CREATE', 'act'],
    ['INDEX_OPTIMIZE', 'act'],
    ['INDEX_REBUILD', 'act'],
    ['INDEX_WATCH', 'observe'],
    ['LEFTOVER_CLEANUP', 'act'],
    ['LOG_ROTATION', 'act'],
    ['METRICS_COLLECTION', 'observe'],
    ['MVCC_CLEANUP', 'act'],
    ['POSTGRES_CARE', 'observe'],
    ['QUERY_ASSESSMENT', 'observe'],
    ['REPLICA_VALIDATION', 'observe'],
    ['RETENTION_ENFORCEMENT', 'act'],
    ['ROLLBACK', 'act'],
    ['SCHEMA_VALIDATION', 'act'],
    ['SECURITY_SCAN', 'observe'],
    ['SESSION_CLEANUP', 'act'],
    ['STATISTICS_UPDATE', 'act'],
    ['STORAGE_COMPACTION', 'act'],
    ['WAL_ARCHIVING', 'observe'],
    ['WAL_ARCHIVING_PROBE', 'act'],
  ]);
  for (const { config_schema: schema, name } of body.items) {
    expect(schema, name).toMatchObject({ type: 'object', additionalProperties: false });
    expect(z.fromJSONSchema(schema).safeParse({}).error, `${name} needs no configuration`).toBeUndefined();
    expect(z.fromJSONSchema(schema).safeParse({ no_such: 1 }).success, name).toBe(false);
    for (const [field, { description }] of Object.entries<{ description?: string }>(schema.properties)) {
      expect(description, `${name}.${field}`).toBeTruthy();
    }
  }
});

it('says exactly what would be done, and does nothing', async () => {
  const api = await startApi();
  await registerTarget(api);
  const { inquiries: _, ...before } = await ledgerContents(api.sql);
  const tasks = [
    { type: 'INDEX_REBUILD', config: { indexes: ['orders_pkey'] } },
    { type: 'STATISTICS_UPDATE', key: 'statistics', config: { tables: ['public.orders'] } },
  ];
  const { body, status } = await api.call('POST /plans', { json: { target_id: 'shop', tasks } });
  expect(status).toBe(200);
  expect(body.tasks).toMatchObject([
    {
      key: 'index-rebuild',
      needs: [],
      steps: [{ object: { kind: 'index', schema: 'public', name: 'orders_pkey' }, size_bytes: expect.any(Number) }],
    },
    { key: 'statistics', needs: ['index-rebuild'], steps: [{ object: { kind: 'table', name: 'orders' } }] },
  ]);
  const [rebuild, analyze] = body.tasks.map(({ steps }: { steps: { statements: string[] }[] }) => steps[0]?.statements);
  expect(rebuild.join()).toMatch(/^REINDEX .*CONCURRENTLY.*orders_pkey/);
  expect(analyze.join()).toMatch(/^ANALYZE.*orders/);
  const { inquiries: __, ...after } = await ledgerContents(api.sql);
  expect(after).toEqual(before);
});

it('refuses tasks that do not fit the target, or are none, at the place that is wrong', async () => {
  const api = await startApi();
  await registerTarget(api);
  const wrong: readonly [unknown, string][] = [
    [
      ['CHECKPOINT', { type: 'MVCC_CLEANUP', config: { tables: ['orders', 't"; drop table x; --'] } }],
      '/tasks/1/config/tables/1',
    ],
    [[{ type: 'INDEX_REBUILD', config: { indexes: ['no_such_index'] } }], '/tasks/0/config/indexes/0'],
    [['NO_SUCH_TYPE'], '/tasks/0'],
    [[], '/tasks'],
  ];
  for (const [tasks, pointer] of wrong) {
    const answer = await api.call('POST /plans', { json: { target_id: 'shop', tasks } });
    expect(answer, JSON.stringify(tasks)).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
  }
  const elsewhere = await api.call('POST /plans', { json: { target_id: 'nowhere', tasks: ['CHECKPOINT'] } });
  expect(elsewhere).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '/target_id', code: 'unknown_target' }] },
  });
});

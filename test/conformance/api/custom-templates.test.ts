import { type TaskTypeCatalog, taskTypeCatalog } from '@slacktide/application';
import type { TaskType } from '@slacktide/application/ports';
import { taskTypes } from '@slacktide/executors/schemas';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startApi } from './support/start-api.ts';
import { registerTarget, registerUnseen } from './support/target.ts';

/** As the executor's, with a configuration that takes anything. */
const custom: TaskType = {
  type: 'CUSTOM',
  category: 'custom',
  access: 'act',
  class: 'never_retry',
  offUnless: 'CUSTOM_TASKS',
  description: 'Runs SQL that an admin registered.',
  config: z.looseObject({}) as never,
};
const types = [...taskTypes.filter(({ type }) => type !== 'CUSTOM'), custom];
const on = taskTypeCatalog(types, { switchedOn: ['CUSTOM_TASKS'] });
const off = taskTypeCatalog(types);
/** As it is. */
const fleet = taskTypeCatalog(taskTypes, { switchedOn: ['CUSTOM_TASKS'] });

async function setup(catalog: TaskTypeCatalog = on) {
  const api = await startApi({ worker: null, deps: { taskTypes: catalog } });
  await registerUnseen(api);
  return api;
}

const purge = {
  name: 'purge',
  description: 'Deletes old orders',
  statements: ['DELETE FROM {{t}} WHERE placed_at < $2'],
  parameters: [
    { name: 't', type: 'relation' },
    { name: 'before', type: 'timestamptz' },
  ],
  lock_mode: 'ROW EXCLUSIVE',
};

describe('custom templates', () => {
  it('are registered as versions that never change, and read back', async () => {
    const { call, keys } = await setup();
    const first = await call('POST /custom-templates', { json: purge });
    expect(first).toMatchObject({
      status: 201,
      body: { version: 1, access: 'act', class: 'never_retry', retired_at: null },
    });
    expect(first.body.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(first.body.parameters[1]).toEqual({
      name: 'before',
      type: 'timestamptz',
      required: true,
      default: null,
      secret: false,
      max_length: null,
      min: null,
      max: null,
      allowed: null,
    });
    expect(first.headers.get('location')).toBe('/api/v1/maintenance/custom-templates/purge/versions/1');
    const second = await call('POST /custom-templates', { json: purge });
    expect(second.body).toMatchObject({ version: 2 });
    expect(second.body.hash).not.toBe(first.body.hash);
    const asReader = { key: keys.read };
    expect((await call('GET /custom-templates/purge', asReader)).body).toEqual(second.body);
    expect((await call('GET /custom-templates/purge/versions/1', asReader)).body).toEqual(first.body);
    const list = await call('GET /custom-templates?limit=1', asReader);
    expect(list.body).toMatchObject({ items: [{ version: 2 }], next_cursor: expect.any(String) });
    const rest = await call(`GET /custom-templates?limit=1&name=purge&cursor=${list.body.next_cursor}`, asReader);
    expect(rest.body).toEqual({ items: [first.body], next_cursor: null });
    for (const path of ['nowhere', 'purge/versions/3', 'purge/versions/0', 'purge/versions/x', "purge'--"]) {
      expect((await call(`GET /custom-templates/${path}`)).status, path).toBe(404);
    }
  });

  it('are registered once under one key', async () => {
    const { call } = await setup();
    const once = { json: purge, idempotencyKey: 'one' };
    const [first, again] = [await call('POST /custom-templates', once), await call('POST /custom-templates', once)];
    expect(again.body).toEqual(first.body);
    expect((await call('GET /custom-templates')).body.items).toHaveLength(1);
  });

  it('are for admins to register and to retire', async () => {
    const { call, keys } = await setup();
    for (const key of [keys.read, keys.write]) {
      expect((await call('POST /custom-templates', { json: purge, key })).status).toBe(403);
    }
    await call('POST /custom-templates', { json: purge });
    for (const key of [keys.read, keys.write]) {
      expect((await call('POST /custom-templates/purge/versions/1/retire', { key })).status).toBe(403);
    }
    expect(await call('POST /custom-templates/purge/versions/1/retire')).toMatchObject({
      status: 200,
      body: { version: 1, retired_at: expect.any(String), retired_by: expect.stringMatching(/^api_key:/) },
    });
    expect((await call('POST /custom-templates/purge/versions/1/retire')).status).toBe(409);
    expect((await call('POST /custom-templates/purge/versions/2/retire')).status).toBe(404);
    expect((await call('GET /custom-templates?retired=false')).body.items).toEqual([]);
  });

  it('leave events in the audit log, in the transaction that wrote them', async () => {
    const { call } = await setup();
    const { body } = await call('POST /custom-templates', { json: purge });
    await call('POST /custom-templates/purge/versions/1/retire');
    const { body: audit } = await call('GET /audit?entity=custom_template');
    expect(audit.items).toMatchObject([
      {
        action: 'custom_template.retire',
        entity_id: 'purge@1',
        after: { hash: body.hash, retired_at: expect.any(String) },
      },
      { action: 'custom_template.register', entity_id: 'purge@1', before: null, after: body },
    ]);
  });

  it('are refused for what may not stand in one, with pointers, and nothing is kept', async () => {
    const { call } = await setup();
    const refusals: readonly [changes: object, pointer: string, code: string][] = [
      [{ statements: ['SELECT 1; SELECT 2'] }, '/statements/0', 'not_one_statement'],
      [{ statements: ["COPY public.a TO PROGRAM 'sh'"] }, '/statements/0', 'statement_not_allowed'],
      [
        { statements: ['DELETE FROM public.a WHERE true', "SELECT pg_read_file('x')"] },
        '/statements/1',
        'function_not_allowed',
      ],
      [{ statements: ['DELETE FROM public.a'] }, '/statements/0', 'no_condition'],
      [{ statements: ['DELETE FROM {{nowhere}} WHERE true'] }, '/statements/0', 'unknown_parameter'],
      [{ access: 'observe' }, '/statements/0', 'needs_act'],
      [{ lock_mode: 'ACCESS SHARE' }, '/lock_mode', 'wrong_lock_mode'],
      [{ class: 'idempotent' }, '/class', 'not_idempotent'],
      [{ parameters: [...purge.parameters, { name: 'x', type: 'int8' }] }, '/parameters/2', 'unused_parameter'],
      [{ parameters: [...purge.parameters, { name: 't', type: 'int8' }] }, '/parameters/2/name', 'taken'],
      [
        { parameters: [purge.parameters[0], { name: 'before', type: 'timestamptz', min: 'x' }] },
        '/parameters/1/min',
        'invalid_value',
      ],
      [{ name: 'Purge; --' }, '/name', 'invalid_format'],
      [{ statements: [] }, '/statements', 'too_small'],
      [{ statements: ['SELECT \0'] }, '/statements/0', 'unstorable_text'],
      [{ parameters: [{ name: 'a"b', type: 'int8' }] }, '/parameters/0/name', 'invalid_format'],
      [{ parameters: [{ name: 'a', type: 'json' }] }, '/parameters/0/type', 'not_allowed'],
      [{ surprise: 1 }, '/surprise', 'unknown_field'],
    ];
    for (const [changes, pointer, code] of refusals) {
      const answer = await call('POST /custom-templates', { json: { ...purge, ...changes } });
      expect(answer, answer.text).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
      expect(answer.body.errors, answer.text).toEqual(
        expect.arrayContaining([expect.objectContaining({ pointer, code })]),
      );
    }
    expect((await call('GET /custom-templates')).body.items).toEqual([]);
  });
});

describe('CUSTOM', () => {
  it('is planned by a worker that may run it, from the version that was registered and no other', async () => {
    const api = await startApi({ worker: { customTasks: true }, deps: { taskTypes: fleet } });
    await registerTarget(api);
    const json = {
      ...purge,
      statements: ['DELETE FROM {{t}} WHERE id < $2'],
      parameters: [purge.parameters[0], { name: 'id', type: 'int8' }],
    };
    const { body: template } = await api.call('POST /custom-templates', { json });
    const plan = (config: object) =>
      api.call('POST /plans', { json: { target_id: 'shop', tasks: [{ type: 'CUSTOM', config }] } });
    const config = { template: 'purge', version: 1, parameters: { t: 'orders', id: '7' } };
    expect(await plan(config)).toMatchObject({
      status: 200,
      body: {
        tasks: [
          {
            steps: [
              {
                key: 'purge@1#1',
                statements: ['DELETE FROM public.orders WHERE id < ($1::pg_catalog.int8)'],
                lock_mode: 'ROW EXCLUSIVE',
                object: { kind: 'table', schema: 'public', name: 'orders' },
              },
            ],
          },
        ],
      },
    });
    const refused = (pointer: string, code: string) => ({
      status: 422,
      body: { errors: [{ pointer: `/tasks/0/config${pointer}`, code }] },
    });
    expect(await plan({ ...config, version: 2 })).toMatchObject(refused('/version', 'unknown_template'));
    expect(await plan({ template: 'purge' })).toMatchObject(refused('/version', 'required'));
    expect(await plan({ ...config, parameters: { t: 'orders', id: '7; --' } })).toMatchObject(
      refused('/parameters/id', 'invalid_value'),
    );
    expect(await plan({ ...config, parameters: { t: 'orders; --', id: 7 } })).toMatchObject(
      refused('/parameters/t', 'unknown_relation'),
    );

    await api.call('POST /custom-templates/purge/versions/1/retire');
    expect(await plan(config)).toMatchObject(refused('/version', 'template_retired'));
    await api.call('POST /custom-templates', { json });
    // As whoever owns the ledger could.
    await api.sql.begin(async (tx) => {
      await tx`ALTER TABLE custom_templates DISABLE TRIGGER ALL`;
      await tx`UPDATE custom_templates SET statements = ARRAY['DELETE FROM {{t}} WHERE id > $2'] WHERE version = 2`;
      await tx`ALTER TABLE custom_templates ENABLE ALWAYS TRIGGER custom_templates_never_change`;
    });
    expect(await plan({ ...config, version: 2 })).toMatchObject(refused('/version', 'template_changed'));
    expect(template.version).toBe(1);
  });

  it('is refused by a worker that was not told to run it, though the control plane was', async () => {
    const api = await startApi({ deps: { taskTypes: fleet } });
    await registerTarget(api);
    await api.call('POST /custom-templates', { json: purge });
    const tasks = [{ type: 'CUSTOM', config: { template: 'purge', version: 1 } }];
    expect(await api.call('POST /plans', { json: { target_id: 'shop', tasks } })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/tasks/0', code: 'custom_tasks_off' }] },
    });
  });

  const schedule = {
    id: 'purge',
    name: 'Purge',
    cron_expression: '0 2 * * *',
    target_ids: ['shop'],
    tasks: ['CUSTOM'],
  };

  it('is off unless the configuration says otherwise: nothing is registered, planned, scheduled or run', async () => {
    const { call, sql } = await setup(off);
    const conflict = { status: 409, body: { code: 'conflict', errors: [{ pointer: '', code: 'task_type_off' }] } };
    expect(await call('POST /custom-templates', { json: purge })).toMatchObject(conflict);
    const tasks = ['CHECKPOINT', { type: 'CUSTOM', config: { template: 'purge', version: 1 } }];
    for (const [request, json] of [
      ['POST /schedules', { ...schedule, tasks }],
      ['POST /plans', { target_id: 'shop', tasks }],
    ] as const) {
      expect(await call(request, { json })).toMatchObject({
        status: 422,
        body: {
          errors: [{ pointer: '/tasks/1', code: 'task_type_off', detail: expect.stringContaining('CUSTOM_TASKS=on') }],
        },
      });
    }
    expect((await call('GET /task-types')).body.items.map(({ name }: { name: string }) => name)).toContain('CUSTOM');
    expect(await sql`SELECT FROM custom_templates`).toHaveLength(0);
  });

  it('makes no jobs any more of schedules that were made while it was on, and templates can still be read and retired', async () => {
    const api = await setup();
    await api.call('POST /custom-templates', { json: purge });
    expect((await api.call('POST /schedules', { json: schedule })).status).toBe(201);
    Object.assign(api.deps, { taskTypes: off });
    expect(await api.call('POST /schedules/purge/run')).toMatchObject({
      status: 409,
      body: { errors: [{ pointer: '/tasks/0', code: 'task_type_off' }] },
    });
    expect(await api.sql`SELECT FROM jobs`).toHaveLength(0);
    expect((await api.call('GET /custom-templates/purge')).status).toBe(200);
    expect((await api.call('POST /custom-templates/purge/versions/1/retire')).status).toBe(200);
  });
});

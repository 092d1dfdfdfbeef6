import { taskTypeCatalog } from '@slacktide/application';
import { taskTypes } from '@slacktide/executors';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { Endpoint } from '../../../apps/control-plane/src/api/endpoint.ts';
import { endpoints } from '../../../apps/control-plane/src/api/endpoints.ts';
import { seedFinding } from './support/finding.ts';
import { fitting, type JsonSchema, nearlyFitting, type Words } from './support/from-schema.ts';
import { hostileJson, hostileString } from './support/hostile.ts';
import { scheduleBody } from './support/sample-bodies.ts';
import { startApi } from './support/start-api.ts';
import { registerTarget, registerUnseen } from './support/target.ts';

/** Of the environment, to look for more; what fails under a seed fails again under it. */
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_122);
/** To each endpoint. */
const requests = Number(process.env['FUZZ_REQUESTS'] ?? 20);

const schemaOf = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

const task = fc.oneof(
  ...taskTypes
    .filter(({ startedBy }) => startedBy === undefined)
    .map(({ config, type }) =>
      fc.oneof(
        fc.constant(type),
        fc.record({ type: fc.constant(type), config: fitting(schemaOf(config), { config: fc.constant({}) }) }),
      ),
    ),
);
const words = {
  id: fc.constant(undefined),
  cursor: fc.constant(undefined),
  label: fc.constantFrom('env:test', ['env:test', 'team:a']),
  name: fc.stringMatching(/^[A-Za-z][A-Za-z ]{8,30}[a-z]$/),
  tasks: fc.array(task, { minLength: 1, maxLength: 3 }),
  cron_expression: fc.constantFrom('0 2 * * *', '*/5 * * * *', '0 0 29 2 *', '30 0 3 * * 1-5', '@daily'),
  timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Apia', 'America/St_Johns'),
  connection: fc.constantFrom('postgresql://nobody@127.0.0.1:1/none'),
  secret_ref: fc.constantFrom(null, 'env:TARGET_PASSWORD', 'env:PATH'),
  standbys: fc.constantFrom([], ['postgresql://nobody@127.0.0.1:2/none']),
  target: fc.constant('shop'),
  target_id: fc.constant('shop'),
  target_ids: fc.constant(['shop']),
  target_labels: fc.constant(null),
  window_start_hour: fc.constant(null),
  window_end_hour: fc.constant(null),
  tables: fc.constantFrom([], ['orders'], ['public.customers', 'orders']),
  options: fc.constant({}),
  checks: fc.constantFrom('all', ['unused_index', 'security']),
  config: fc.constant({}),
  until: fc.constantFrom(null, '2099-01-01T00:00:00.000Z'),
  reason: fc.stringMatching(/^[a-z]{3,20}$/),
  verify: fc.constant('false'),
  sql: fc.constantFrom('SELECT 1', 'SELECT * FROM public.orders WHERE id = 1'),
  statements: fc.constantFrom(['SELECT 1'], ['SELECT count(*) FROM public.orders']),
  parameters: fc.constant([]),
  lock_mode: fc.constant('ACCESS SHARE'),
} satisfies Words;

/** Anything of a schema; most of it fits. */
const anyOf = (schema: z.ZodType, known: Words = words): fc.Arbitrary<unknown> => {
  const json = schemaOf(schema);
  return fc.oneof(
    { weight: 6, arbitrary: fitting(json, known) },
    { weight: 2, arbitrary: nearlyFitting(json, known) },
    { weight: 1, arbitrary: hostileJson },
  );
};

/** Bodies of an endpoint. A patch's schema lets everything pass: it is judged after merging. */
const bodyOf = ({ body, method, path }: Endpoint): fc.Arbitrary<unknown> => {
  if (body === undefined) return fc.constant(undefined);
  if (path.endsWith('/custom-templates')) return anyOf(body, { ...words, name: fc.constantFrom('purge', 'tidy') });
  if (method !== 'patch') return anyOf(body);
  if (path.endsWith('/care/settings')) {
    const some = fc.constantFrom({}, { features: { index_cleanup: { enabled: false } } });
    return fc.oneof({ weight: 2, arbitrary: some }, { weight: 1, arbitrary: anyOf(body) });
  }
  const { cron_expression, name, tasks, timezone } = words;
  const fields = { cron_expression, name, tasks, timezone, description: fc.string(), enabled: fc.boolean() };
  return fc.oneof(
    { weight: 2, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    { weight: 1, arbitrary: anyOf(body) },
  );
};

/** What is there when it begins; the spare ones may be deleted, and another target than the one that is worked on changed. */
const spare = [0, 1, 2, 3, 4].map((number) => `spare-${number}`);
const hostileId = hostileString.map((text) => encodeURIComponent(text.toWellFormed()));
const idFor = ({ method, path }: Endpoint): fc.Arbitrary<string> => {
  const target = method === 'put' ? 'other' : 'shop';
  // Of the target that is worked on, the last of them.
  if (path.includes('/backups'))
    return fc.oneof({ weight: 3, arbitrary: fc.constant('shop') }, { weight: 1, arbitrary: hostileId });
  if (path.includes('/custom-templates'))
    return fc.oneof({ weight: 3, arbitrary: fc.constant('purge') }, { weight: 1, arbitrary: hostileId });
  const known = path.includes('/targets')
    ? target
    : path.includes('/schedules')
      ? 'nightly'
      : path.includes('/tasks')
        ? 'a-task'
        : path.includes('/findings')
          ? 'a-finding'
          : path.endsWith('/rollback')
            ? 'a-job-done'
            : 'a-job';
  return fc.oneof(
    { weight: 3, arbitrary: method === 'delete' ? fc.constantFrom(...spare) : fc.constant(known) },
    { weight: 1, arbitrary: hostileId },
  );
};
const queryText = (query: unknown): string => {
  if (typeof query !== 'object' || query === null) return '';
  const parameters = new URLSearchParams();
  for (const [name, values] of Object.entries(query)) {
    for (const value of values === undefined ? [] : [values].flat())
      parameters.append(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return `?${parameters}`;
};

const queryOf = ({ query }: Endpoint): fc.Arbitrary<string> =>
  query === undefined
    ? fc.oneof({ weight: 8, arbitrary: fc.constant('') }, { weight: 1, arbitrary: hostileJson.map(queryText) })
    : anyOf(query).map(queryText);

const requestOf = (endpoint: Endpoint) =>
  fc.record({
    id: idFor(endpoint),
    query: queryOf(endpoint),
    json: bodyOf(endpoint),
    ifMatch: fc.constantFrom('*', '*', '*', '"1"', 'W/"x', undefined),
    idempotencyKey: fc.constantFrom(undefined, undefined, undefined, 'one', 'two', '\u00ff'),
  });

/** A backup of the target that is worked on. */
async function seedBackup(api: Awaited<ReturnType<typeof startApi>>): Promise<string> {
  const json = { label: 'x', kind: 'full', taken_at: '2026-01-01T00:00:00.000Z', size_bytes: 1, location: '/x' };
  const { body } = await api.call('POST /targets/shop/backups', { json });
  return body.id;
}

/** A task that waits for a person to say what became of it. */
async function unclearTask(api: Awaited<ReturnType<typeof startApi>>): Promise<string> {
  const { body } = await api.call('POST /schedules/nightly/run');
  const [{ id, tasks }] = body.jobs;
  const error = api.sql.json({ code: 'outcome_unclear', message: 'nobody can tell' });
  await api.sql`UPDATE tasks SET state = 'NEEDS_OPERATOR', started_at = now(), error = ${error} WHERE id = ${tasks[0].id}`;
  await api.sql`UPDATE jobs SET state = 'NEEDS_OPERATOR', started_at = now() WHERE id = ${id}`;
  return tasks[0].id;
}

/** A job that is over, and that can be taken back. */
async function doneJob(api: Awaited<ReturnType<typeof startApi>>): Promise<string> {
  const { body } = await api.call('POST /schedules/nightly/run');
  const [{ id }] = body.jobs;
  await api.sql`UPDATE jobs SET state = 'SUCCEEDED', started_at = now(), finished_at = now() WHERE id = ${id}`;
  await api.sql`
    INSERT INTO rollback_points (target_id, job_id, task_id, object, summary, statements, state)
    VALUES ('shop', ${id}, ${id}, 'public.i', 'index public.i', ARRAY['CREATE INDEX CONCURRENTLY i ON public.t (a)'], 'armed')`;
  return id;
}

it(`answers whatever it is asked, ${requests} times at each endpoint (seed ${seed}), as it says it does`, async () => {
  const catalog = taskTypeCatalog(taskTypes, { switchedOn: ['CUSTOM_TASKS'] });
  const api = await startApi({ deps: { taskTypes: catalog } });
  await registerTarget(api);
  await api.call('POST /schedules', { json: scheduleBody() });
  await registerUnseen(api, 'other');
  for (const id of spare) {
    await registerUnseen(api, id);
    await api.call('POST /schedules', { json: scheduleBody({ id, name: id }) });
  }
  const { body: started } = await api.call('POST /schedules/nightly/run');
  const ids: Record<string, string> = {
    'a-job': started.jobs[0].id,
    'a-task': await unclearTask(api),
    'a-finding': await seedFinding(api),
    'a-job-done': await doneJob(api),
  };
  const backup = await seedBackup(api);
  const accepted = new Set<string>();

  for (const [at, endpoint] of endpoints.entries()) {
    const name = `${endpoint.method.toUpperCase()} ${endpoint.path}`;
    const property = fc.asyncProperty(requestOf(endpoint), async ({ id, query, json, ifMatch, idempotencyKey }) => {
      const { status } = await api.call(
        name
          .replace('{id}', ids[id] ?? id)
          .replace('{backup_id}', backup)
          .replace('{name}', id)
          .replace('{version}', '1') + query,
        {
          ...(json !== undefined && { json }),
          ...(ifMatch !== undefined && { ifMatch }),
          ...(idempotencyKey !== undefined && { idempotencyKey }),
        },
      );
      if (status < 300) accepted.add(name);
      expect(status < 500 || status === 503, `${name} → ${status}`).toBe(true);
    });
    await fc.assert(property, { seed: seed + at, numRuns: requests });
  }

  expect(api.faults(), 'nothing unforeseen').toEqual([]);
  const refused = endpoints
    .map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    .filter((name) => !accepted.has(name));
  expect(refused, 'it came beyond the checks of every endpoint').toEqual([]);
}, 180_000);

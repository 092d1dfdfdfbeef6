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
} satisfies Words;

/** Anything of a schema; most of it fits. */
const anyOf = (schema: z.ZodType): fc.Arbitrary<unknown> => {
  const json = schemaOf(schema);
  return fc.oneof(
    { weight: 6, arbitrary: fitting(json, words) },
    { weight: 2, arbitrary: nearlyFitting(json, words) },
    { weight: 1, arbitrary: hostileJson },
  );
};

/** Bodies of an endpoint. A patch's schema lets everything pass: it is judged after merging. */
const bodyOf = ({ body, method, path }: Endpoint): fc.Arbitrary<unknown> => {
  if (body === undefined) return fc.constant(undefined);
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
const idFor = ({ method, path }: Endpoint): fc.Arbitrary<string> => {
  const target = method === 'put' ? 'other' : 'shop';
  const known = path.includes('/targets')
    ? target
    : path.includes('/schedules')
      ? 'nightly'
      : path.includes('/tasks')
        ? 'a-task'
        : path.includes('/findings')
          ? 'a-finding'
          : 'a-job';
  return fc.oneof(
    { weight: 3, arbitrary: method === 'delete' ? fc.constantFrom(...spare) : fc.constant(known) },
    { weight: 1, arbitrary: hostileString.map((text) => encodeURIComponent(text.toWellFormed())) },
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

/** A task that waits for a person to say what became of it. */
async function unclearTask(api: Awaited<ReturnType<typeof startApi>>): Promise<string> {
  const { body } = await api.call('POST /schedules/nightly/run');
  const [{ id, tasks }] = body.jobs;
  const error = api.sql.json({ code: 'outcome_unclear', message: 'nobody can tell' });
  await api.sql`UPDATE tasks SET state = 'NEEDS_OPERATOR', started_at = now(), error = ${error} WHERE id = ${tasks[0].id}`;
  await api.sql`UPDATE jobs SET state = 'NEEDS_OPERATOR', started_at = now() WHERE id = ${id}`;
  return tasks[0].id;
}

it(`answers whatever it is asked, ${requests} times at each endpoint (seed ${seed}), as it says it does`, async () => {
  const api = await startApi();
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
  };
  const accepted = new Set<string>();

  for (const [at, endpoint] of endpoints.entries()) {
    const name = `${endpoint.method.toUpperCase()} ${endpoint.path}`;
    const property = fc.asyncProperty(requestOf(endpoint), async ({ id, query, json, ifMatch, idempotencyKey }) => {
      const { status } = await api.call(name.replace('{id}', ids[id] ?? id) + query, {
        ...(json !== undefined && { json }),
        ...(ifMatch !== undefined && { ifMatch }),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      });
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

import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { seedFinding } from './support/finding.ts';
import { startApi } from './support/start-api.ts';
import { registerTarget } from './support/target.ts';

it('shows in every plan whom each step would touch now, and how long like work took', async () => {
  const api = await startApi();
  const { connection } = await registerTarget(api);
  const url = new URL(connection);
  url.password = 'postgres';
  const writer = new pg.Client({ connectionString: url.href, application_name: 'checkout' });
  await writer.connect();
  onTestFinished(() => writer.end());
  await writer.query('BEGIN; INSERT INTO orders VALUES (-1, 1, 1)');
  const [{ pid }] = (await writer.query('SELECT pg_backend_pid() AS pid')).rows;
  for (const [object, ms] of [
    ['public.orders_pkey', 1_000],
    ['public.orders_pkey', 2_000],
    ['public.orders_pkey', 4_000],
    ['public.other', 900_000],
  ] as const) {
    await api.sql`
      INSERT INTO effects (target_id, job_id, task_type, action, object, object_kind, duration_ms, size_before_bytes, detail)
      VALUES ('shop', gen_random_uuid(), 'INDEX_REBUILD', 'reindex', ${object}, 'index', ${ms}, 1000000, '{}')`;
  }
  const tasks = [
    { type: 'INDEX_REBUILD', config: { indexes: ['orders_pkey', 'customers_pkey'] } },
    { type: 'STATISTICS_UPDATE', config: { tables: ['orders'] } },
    'CHECKPOINT',
  ];
  const { body, status } = await api.call('POST /plans', { json: { target_id: 'shop', tasks } });
  expect(status).toBe(200);
  const steps = body.tasks.flatMap((task: { steps: object[] }) => task.steps);
  const radius = (key: string) => steps.find((step: { key: string }) => step.key === key)?.blast_radius;
  expect(radius('public.orders_pkey')).toMatchObject({
    would_wait: [
      {
        pid,
        user: 'postgres',
        application_name: 'checkout',
        transaction_age_seconds: expect.any(Number),
        locks: expect.stringContaining('ROW EXCLUSIVE'),
      },
    ],
    would_wait_count: 1,
    expected_seconds: { low: expect.any(Number), likely: expect.any(Number), high: expect.any(Number), samples: 3 },
  });
  const { low, likely, high } = radius('public.orders_pkey').expected_seconds;
  expect(low < likely && likely < high && high < 60).toBe(true);
  expect(radius('public.customers_pkey')).toMatchObject({ would_wait: [], would_wait_count: 0 });
  // Writers and ANALYZE are in nobody's way.
  expect(radius('public.orders')).toMatchObject({ would_wait: [], expected_seconds: null });
  for (const step of steps) expect(step.blast_radius.reversible).toBe(step.reversible);
});

it('shows it in the plan of what a finding proposes, too, whose table is known by name alone', async () => {
  const api = await startApi();
  const { connection } = await registerTarget(api);
  const url = new URL(connection);
  url.password = 'postgres';
  const reader = new pg.Client({ connectionString: url.href });
  await reader.connect();
  onTestFinished(() => reader.end());
  await reader.query('CREATE INDEX orders_customer ON orders (customer_id)');
  await reader.query('CREATE INDEX orders_customer_total ON orders (customer_id, total)');
  await reader.query('BEGIN; SELECT FROM orders');
  const config = { min_size_mb: 0 };
  const id = await seedFinding(api, { fingerprint: 'index:public.orders_customer', config });
  const { body, status } = await api.call(`POST /findings/${id}/apply`, { json: {} });
  expect(status).toBe(200);
  expect(body.plan.tasks[0].steps).toMatchObject([
    {
      statements: ['DROP INDEX CONCURRENTLY public.orders_customer'],
      blast_radius: {
        would_wait: [{ user: 'postgres', locks: 'ACCESS SHARE' }],
        would_wait_count: 1,
        temp_disk_bytes: null,
        expected_seconds: null,
        reversible: true,
      },
    },
  ]);
});

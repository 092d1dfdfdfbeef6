import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Api, startApi } from './support/start-api.ts';
import { registerUnseen } from './support/target.ts';

const index = 'public."Orders_idx"';
const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

interface Seed {
  readonly days: number;
  readonly object?: string;
  readonly targetId?: string;
  readonly action?: string;
  readonly sizes?: readonly [number | null, number | null];
  readonly waste?: number | null;
  readonly detail?: object;
}

async function seedEffect({ sql }: Api, seed: Seed): Promise<number> {
  const {
    days,
    object = index,
    targetId = 'shop',
    action = 'reindex',
    sizes = [2_000, 1_000],
    waste = 50,
    detail = {},
  } = seed;
  const [row] = await sql<[{ id: number }]>`
    INSERT INTO effects (target_id, job_id, task_type, at, action, object, object_kind, duration_ms, size_before_bytes, size_after_bytes,
      waste_before_percent, detail)
    VALUES (${targetId}, ${randomUUID()}, 'INDEX_REBUILD', ${daysAgo(days)}, ${action}, ${object}, 'index', 1500, ${sizes[0]}, ${sizes[1]},
      ${waste}, ${sql.json(detail as never)}) RETURNING id::int`;
  return row.id;
}

/** What was seen of the index on the primary, so many days ago. */
async function seedLook({ sql }: Api, days: number, size: number, waste: number): Promise<void> {
  const at = daysAgo(days);
  await sql`
    INSERT INTO observed_objects (target_id, node, kind, oid, name, epoch, span_started_at, last_sampled_at, changed_at, counter_names, counters,
      span_counters, gauge_names, gauges, gone_at)
    VALUES ('shop', 'primary', 'index', ${Math.round(days * 100)}, 'public.Orders_idx', 'e', ${at}, ${at}, ${at}, '{}', '{}', '{}',
      '{size_bytes,waste_percent}', ARRAY[${size}::float8, ${waste}::float8], ${days > 1 ? at : null})`;
  await sql`
    INSERT INTO object_samples (object_id, at, resolution, counters, gauges)
    SELECT id, date_trunc('hour', ${at}::timestamptz, 'UTC'), 'hour', '{}', gauges FROM observed_objects WHERE oid = ${Math.round(days * 100)}`;
}

async function setup() {
  const api = await startApi({ worker: null });
  await registerUnseen(api);
  return api;
}

const ids = (body: { items: { id: number }[] }): number[] => body.items.map(({ id }) => id);

describe('effects', () => {
  it('tell what was freed, how fast it came back, and what the history of the object advises', async () => {
    const api = await setup();
    await seedEffect(api, { days: 60 });
    await seedLook(api, 50, 1_900, 51);
    const id = await seedEffect(api, { days: 30 });
    await seedLook(api, 20, 1_800, 52);
    await seedLook(api, 0.5, 1_950, 55);
    const { body, status } = await api.call('GET /effects?limit=1', { key: api.keys.read });
    expect(status).toBe(200);
    expect(body.items).toMatchObject([
      {
        id,
        target_id: 'shop',
        task_type: 'INDEX_REBUILD',
        action: 'reindex',
        object: index,
        duration_ms: 1_500,
        bytes_freed: 1_000,
        waste_before_percent: 50,
        waste_after_percent: null,
        growth_back: {
          size_bytes: 1_950,
          regrown_bytes: 950,
          waste_percent: 55,
          waste_back_days: expect.closeTo(10, 0),
        },
        statements: null,
        advice: {
          code: 'set_fillfactor',
          action: 'reindex',
          words: expect.stringMatching(/stop rebuilding it, set fillfactor 70/),
          fillfactor: 70,
          threshold_percent: null,
        },
      },
    ]);
  });

  it('tell what statements took before and after, where they were noted, and what is not known as such', async () => {
    const api = await setup();
    const statements = [{ queryid: '-77', calls: 10, mean_ms: 4.5, stddev_ms: 1, rows: 3 }, { odd: true }];
    await seedEffect(api, { days: 10, action: 'drop_index', detail: { statements }, sizes: [null, 0], waste: null });
    for (const [days, calls] of [
      [9, 100],
      [5, 300],
    ] as const) {
      const values = { reset_ms: null, statements: { '10/-77/1': ['a', calls, calls * 2, 0, 0] } };
      await api.sql`INSERT INTO check_snapshots (target_id, check_name, at, values)
        VALUES ('shop', 'slow_query_pattern', ${daysAgo(days)}, ${api.sql.json(values)})`;
    }
    const { body } = await api.call('GET /effects');
    expect(body.items).toMatchObject([
      {
        bytes_freed: null,
        growth_back: null,
        statements: [{ query_id: '-77', calls_before: 10, mean_ms_before: 4.5, calls_after: 200, mean_ms_after: 2 }],
        advice: null,
      },
    ]);
    expect(body.items[0].statements).toHaveLength(1);
  });

  it('are listed newest first, page by page, by target, object and kind of work', async () => {
    const api = await setup();
    const first = await seedEffect(api, { days: 3 });
    const second = await seedEffect(api, { days: 2, action: 'vacuum', object: 'public.orders' });
    const third = await seedEffect(api, { days: 1, targetId: 'stock' });
    const list = async (query: string) => (await api.call(`GET /effects${query}`)).body;
    expect(ids(await list(''))).toEqual([third, second, first]);
    const page = await list('?limit=2');
    expect(ids(page)).toEqual([third, second]);
    expect(ids(await list(`?limit=2&cursor=${page.next_cursor}`))).toEqual([first]);
    expect(ids(await list('?target_id=shop'))).toEqual([second, first]);
    expect(ids(await list(`?object=${encodeURIComponent(index)}`))).toEqual([third, first]);
    expect(ids(await list('?action=vacuum&target_id=shop'))).toEqual([second]);
    expect(ids(await list('?object=public.none'))).toEqual([]);
  });

  it('are refused at the parameter that is wrong', async () => {
    const { call } = await setup();
    for (const query of ['?action=dance', '?cursor=x', '?limit=0', '?target_id=A!', '?object=', '?table=t']) {
      const answer = await call(`GET /effects${query}`);
      expect(answer, query).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
      expect(answer.body.errors[0].pointer).toBe(query.replace(/=.*/, ''));
    }
    expect((await call('GET /effects', { key: null })).status).toBe(401);
  });
});

import { describe, expect, it } from 'vitest';
import { checksSetup, sampleReading } from '../../../../test/support/check-data.ts';
import { sampleContext } from '../../../../test/support/ledger-data.ts';

/** Objects 1 and 2 of `shop`, without samples, and how to give them some. */
async function setup() {
  const base = await checksSetup();
  await base.look([sampleReading(1, 7), sampleReading(2, 7)]);
  await base.sql`DELETE FROM object_samples`;
  const ids = (await base.sql`SELECT id FROM observed_objects ORDER BY oid`).map(({ id }) => id as string);
  return {
    ...base,
    /** Adds samples of an object on the UTC day so many days ago. */
    add: async (
      object: 1 | 2,
      daysAgo: number,
      resolution: 'hour' | 'day',
      all: readonly { readonly hour?: number; readonly counters?: string; readonly gauges?: string }[],
    ) => {
      for (const { hour = 0, counters = '{1}', gauges = '{1}' } of all) {
        await base.sql`
          INSERT INTO object_samples (object_id, at, resolution, counters, gauges)
          VALUES (${ids[object - 1] ?? ''}, date_trunc('day', now(), 'UTC') - ${daysAgo} * interval '24 hours' + ${hour} * interval '1 hour', ${resolution},
            ${counters}::text::float8[], ${gauges}::text::float8[])`;
      }
    },
    /** What is there: object, days ago, hour and resolution, with its figures. */
    left: async () =>
      (
        await base.sql`
          SELECT oid::int, ((date_trunc('day', now(), 'UTC')::date - (at AT TIME ZONE 'UTC')::date))::int AS ago,
            extract(hour FROM at AT TIME ZONE 'UTC')::int AS hour, resolution, to_json(object_samples.counters) AS counters,
            to_json(object_samples.gauges) AS gauges, to_json(gauge_peaks) AS gauge_peaks
          FROM object_samples JOIN observed_objects ON id = object_id ORDER BY oid, at`
      ).map(({ oid, ago, hour, resolution, counters, gauges, gauge_peaks }) => [
        `${oid}: ${ago} days ago, ${resolution === 'hour' ? `hour ${hour}` : resolution}`,
        counters,
        gauges,
        gauge_peaks,
      ]),
    count: async () => {
      const [row] = await base.sql`
        SELECT (SELECT count(*)::int FROM observed_objects) AS objects, (SELECT count(*)::int FROM object_samples) AS samples`;
      return { ...row };
    },
  };
}

describe('pruning observations', () => {
  it('makes a day of hours older than a week: the last figures, and the highest of each gauge', async () => {
    const { add, left, observations } = await setup();
    await add(1, 8, 'hour', [
      { hour: 0, counters: '{1,2}', gauges: '{9,1}' },
      { hour: 23, counters: '{5,6}', gauges: '{3,NULL,2}' },
      { hour: 12, counters: '{3,4}', gauges: '{4,7}' },
    ]);
    await add(1, 9, 'hour', [{ hour: 5, counters: '{0}', gauges: '{}' }]);
    await add(2, 8, 'hour', [{ hour: 1, counters: '{8}', gauges: '{8}' }]);
    await add(1, 7, 'hour', [{ hour: 0 }]);
    await add(2, 0, 'hour', [{ hour: 0 }]);
    await observations.prune();
    const expected = [
      ['1: 9 days ago, day', [0], [], []],
      ['1: 8 days ago, day', [5, 6], [3, null, 2], [9, 7, 2]],
      ['1: 7 days ago, hour 0', [1], [1], null],
      ['2: 8 days ago, day', [8], [8], [8]],
      ['2: 0 days ago, hour 0', [1], [1], null],
    ];
    expect(await left()).toEqual(expected);
    await observations.prune();
    expect(await left()).toEqual(expected);
  });

  it('forgets days after 400, but for the last before: it says what stood when nothing changed since', async () => {
    const { add, left, observations } = await setup();
    for (const daysAgo of [500, 402, 401, 399]) await add(1, daysAgo, 'day', [{}]);
    for (const daysAgo of [500, 3]) await add(2, daysAgo, 'day', [{}]);
    await observations.prune();
    expect((await left()).map(([name]) => name)).toEqual([
      '1: 401 days ago, day',
      '1: 399 days ago, day',
      '2: 500 days ago, day',
      '2: 3 days ago, day',
    ]);
  });

  it('forgets objects that were gone for 400 days, with their samples', async () => {
    const { add, count, look, observations, pass, sql } = await setup();
    for (const object of [1, 2] as const) await add(object, 0, 'hour', [{}]);
    await look([sampleReading(2, 7)]);
    await sql`DELETE FROM object_samples WHERE counters <> '{1}'`;
    await pass('399 days');
    await observations.prune();
    expect(await count()).toEqual({ objects: 2, samples: 2 });
    await pass('2 days');
    await observations.prune();
    expect(await count()).toEqual({ objects: 1, samples: 1 });
    expect((await sql`SELECT oid::int FROM observed_objects`).map(({ oid }) => oid)).toEqual([2]);
  });

  it('forgets what was seen of a target that was deleted, and what is seen of one of its name is new', async () => {
    const { add, claimed, count, executions, ledger, memory, observations, sql } = await setup();
    for (const object of [1, 2] as const) await add(object, 0, 'hour', [{}]);
    await executions.finish(claimed, { kind: 'succeeded', result: {} }, []);
    await sql`UPDATE tasks SET state = 'SUCCEEDED', finished_at = now()`;
    await sql`UPDATE jobs SET state = 'SUCCEEDED', finished_at = now()`;
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.targets.delete('shop');
      return { result: null, audit: [{ action: 'target.delete', entity: 'target', entityId: 'shop' }] };
    });
    expect(await memory.usage(0)).toEqual([]);
    await observations.prune();
    expect(await count()).toEqual({ objects: 0, samples: 0 });
  });

  it('is done by one of many at a time, all of it', async () => {
    const { add, left, observations } = await setup();
    for (let daysAgo = 8; daysAgo < 40; daysAgo += 1) await add(1, daysAgo, 'hour', [{ hour: 1 }, { hour: 2 }]);
    await Promise.all([1, 2, 3].map(() => observations.prune()));
    await observations.prune();
    const all = await left();
    expect(all).toHaveLength(32);
    expect(all.every(([name]) => String(name).endsWith('day'))).toBe(true);
  });
});

import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup } from '../../../../test/support/executions.ts';

async function setup() {
  const base = await executionsSetup();
  const claimed = claimedBy(await base.claim(await base.addJob(), 'rebuild'));
  const { actRecords, ledger, observations } = base.connection;
  return { ...base, claimed, actRecords, ledger, memory: observations.memoryOf('shop') };
}

describe('learnings', () => {
  it('of a kind are replaced as a whole, and keep the day they were learned first', async () => {
    const { actRecords, claimed, memory, sql } = await setup();
    const learn = (...keys: string[]) =>
      actRecords.learn(
        claimed,
        'pattern',
        keys.map((key) => ({ key, value: { of: key } })),
      );
    expect(await learn('a', 'b')).toBe(true);
    await actRecords.learn(claimed, 'forecast', [{ key: 'a', value: {} }]);
    await sql`UPDATE learnings SET first_learned_at = '2026-01-01', learned_at = '2026-01-01'`;
    expect(await learn('b', 'c')).toBe(true);
    const known = await memory.learned('pattern');
    expect(known.map(({ key, value }) => [key, value])).toEqual([
      ['b', { of: 'b' }],
      ['c', { of: 'c' }],
    ]);
    expect(known[0]?.firstLearnedAt).toEqual(new Date('2026-01-01T00:00:00Z'));
    expect(known[0]?.learnedAt.getTime()).toBeGreaterThan(new Date('2026-01-02').getTime());
    expect(await memory.learned('forecast')).toHaveLength(1);
    expect(await learn()).toBe(true);
    expect(await memory.learned('pattern')).toEqual([]);
  });

  it('are not replaced by whoever lost the right to', async () => {
    const { actRecords, claimed, memory, sql } = await setup();
    await actRecords.learn(claimed, 'model', [{ key: 'kept', value: {} }]);
    await sql`DELETE FROM leases WHERE target_id = ${claimed.target.id}`;
    expect(await actRecords.learn(claimed, 'model', [])).toBe(false);
    expect(await memory.learned('model')).toMatchObject([{ key: 'kept' }]);
  });

  it('are listed newest first, page by page, by target and kind', async () => {
    const { actRecords, claimed, ledger, sql } = await setup();
    const keys = ['a', 'b', 'c', 'd', 'e'];
    await actRecords.learn(
      claimed,
      'suggestion',
      keys.map((key) => ({ key, value: {} })),
    );
    await sql`UPDATE learnings SET learned_at = learned_at - id * interval '1 hour'`;
    const first = await ledger.learnings.list({ limit: 3 }, { targetId: 'shop', kind: 'suggestion' });
    expect(first.items.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    const cursor = first.nextCursor ?? undefined;
    const second = await ledger.learnings.list({ limit: 3, cursor }, { targetId: 'shop', kind: 'suggestion' });
    expect(second).toMatchObject({ items: [{ key: 'd' }, { key: 'e' }], nextCursor: null });
    expect((await ledger.learnings.list({ limit: 3 }, { targetId: 'stock' })).items).toEqual([]);
    await expect(ledger.learnings.list({ limit: 3, cursor: 'nonsense' }, {})).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});

describe('gauges', () => {
  it('are told over time, of the objects with the largest values, on the primary', async () => {
    const { memory, sql } = await setup();
    const add = async (name: string, node: string, latest: number, earlier: readonly number[]): Promise<void> => {
      const [object] = await sql<[{ id: number }]>`
        INSERT INTO observed_objects (target_id, node, kind, oid, name, epoch, span_started_at, last_sampled_at, changed_at, counter_names, counters,
          span_counters, gauge_names, gauges)
        VALUES ('shop', ${node}, 'index', ${earlier.length + latest}, ${name}, 'e', now(), now(), now(), '{}', '{}', '{}', '{rows,waste_percent}',
          ARRAY[1, ${latest}::float8]) RETURNING id::int`;
      for (const [days, value] of earlier.entries()) {
        await sql`
          INSERT INTO object_samples (object_id, at, resolution, counters, gauges)
          VALUES (${object.id}, date_trunc('day', now() - ${days + 1} * interval '1 day'), 'day', '{}', ARRAY[1, ${value}::float8])`;
      }
    };
    await add('public.large', 'primary', 30, [20, 10]);
    await add('public.small', 'primary', 5, [4]);
    await add('public.large', 'standby:5432/shop', 99, []);
    const filter = { kind: 'index', gauge: 'waste_percent', days: 30, atLeast: 0, limit: 10 } as const;
    const all = await memory.gauges(filter);
    expect(all.map(({ name, readings }) => [name, readings.map(({ value }) => value)])).toEqual([
      ['public.large', [10, 20, 30]],
      ['public.small', [4, 5]],
    ]);
    expect(await memory.gauges({ ...filter, atLeast: 6 })).toHaveLength(1);
    expect(await memory.gauges({ ...filter, limit: 1 })).toHaveLength(1);
    expect(await memory.gauges({ ...filter, gauge: 'no_such_gauge' })).toEqual([]);
  });
});

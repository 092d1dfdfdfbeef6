import type { Effect } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup } from '../../../../test/support/executions.ts';

function effect(changes: Partial<Effect> = {}): Effect {
  return {
    action: 'reindex',
    object: 'public.orders_pkey',
    objectKind: 'index',
    durationMs: 1_234.5,
    sizeBeforeBytes: 2_000,
    sizeAfterBytes: 1_000,
    wasteBeforePercent: 55,
    wasteAfterPercent: 8,
    detail: { fillfactor: 90 },
    ...changes,
  };
}

async function setup() {
  const base = await executionsSetup();
  const { actRecords, ledger, history, observations } = base.connection;
  const job = await base.addJob();
  const claimed = claimedBy(await base.claim(job, 'rebuild'));
  /** Moves the effect of that object into the past. */
  const age = async (object: string, interval: string): Promise<void> => {
    await base.sql`UPDATE effects SET at = now() - ${interval}::interval WHERE object = ${object}`;
  };
  return {
    ...base,
    actRecords,
    effects: ledger.effects,
    history,
    job,
    claimed,
    age,
    memory: observations.memoryOf('shop'),
  };
}

describe('effects', () => {
  it('are kept with their task, and remembered of their target newest first, by kind of work or object', async () => {
    const { actRecords, claimed, job, memory, connection } = await setup();
    expect(await actRecords.effect(claimed, effect())).toBe(true);
    expect(
      await actRecords.effect(claimed, effect({ action: 'vacuum', object: 'public."Or""ders"', objectKind: 'table' })),
    ).toBe(true);
    const unmeasured = {
      sizeBeforeBytes: null,
      sizeAfterBytes: null,
      wasteBeforePercent: null,
      wasteAfterPercent: null,
    };
    await actRecords.effect(claimed, effect(unmeasured));
    const all = await memory.effects({ limit: 10 });
    expect(all).toMatchObject([{ ...unmeasured, action: 'reindex' }, { object: 'public."Or""ders"' }, effect()]);
    expect(all[2]).toEqual({
      ...effect(),
      id: expect.any(Number),
      targetId: 'shop',
      jobId: job.id,
      taskType: 'INDEX_REBUILD',
      at: expect.any(Date),
    });
    expect(await memory.effects({ limit: 1 })).toEqual([all[0]]);
    expect(await memory.effects({ action: 'vacuum', limit: 10 })).toEqual([all[1]]);
    expect(await memory.effects({ object: 'public.orders_pkey', limit: 10 })).toEqual([all[0], all[2]]);
    expect(await connection.observations.memoryOf('stock').effects({ limit: 10 })).toEqual([]);
  });

  it('are written by nobody whose right to act is gone', async () => {
    const { actRecords, claimed, executions, expireLease, claim, job, memory, sql } = await setup();
    await sql`UPDATE leases SET fence = fence + 1`;
    expect(await actRecords.effect(claimed, effect())).toBe(false);
    await sql`UPDATE leases SET fence = fence - 1`;
    expect(await actRecords.effect(claimed, effect())).toBe(true);
    await expireLease(claimed);
    // Nobody has taken the target yet: the claim still holds.
    expect(await actRecords.effect(claimed, effect())).toBe(true);
    await executions.release(claimed, 'draining');
    expect(await actRecords.effect(claimed, effect())).toBe(false);
    const again = claimedBy(await claim(job, 'rebuild', { workerId: 'w2' }));
    expect(await actRecords.effect(claimed, effect())).toBe(false);
    expect(await actRecords.effect(again, effect())).toBe(true);
    await executions.finish(again, { kind: 'succeeded', result: {} }, []);
    expect(await actRecords.effect(again, effect())).toBe(false);
    expect(await memory.effects({ limit: 10 })).toHaveLength(3);
  });

  it('are refused when they make no sense', async () => {
    const { actRecords, claimed, memory } = await setup();
    await expect(actRecords.effect(claimed, effect({ durationMs: -1 }))).rejects.toThrow('effects_duration');
    await expect(actRecords.effect(claimed, effect({ action: 'dance' as never }))).rejects.toThrow('effects_action');
    expect(await memory.effects({ limit: 10 })).toEqual([]);
  });

  it('are forgotten after a year and a month; so are their jobs long before', async () => {
    const { actRecords, claimed, history, memory, age } = await setup();
    for (const object of ['public.young', 'public.old', 'public.oldest']) {
      await actRecords.effect(claimed, effect({ object }));
    }
    await age('public.old', '399 days');
    await age('public.oldest', '401 days');
    await history.prune(24 * 365);
    const left = await memory.effects({ limit: 10 });
    expect(left.map(({ object }) => object)).toEqual(['public.old', 'public.young']);
  });
});

describe('the list of effects', () => {
  it('goes from page to page, newest first, each once, also while more are added', async () => {
    const { actRecords, claimed, effects } = await setup();
    for (let number = 1; number <= 7; number += 1) {
      await actRecords.effect(claimed, effect({ object: `public.t${number}` }));
    }
    const first = await effects.list({ limit: 3 });
    await actRecords.effect(claimed, effect({ object: 'public.t8' }));
    const second = await effects.list({ limit: 3, cursor: first.nextCursor ?? '' });
    const third = await effects.list({ limit: 3, cursor: second.nextCursor ?? '' });
    const names = [first, second, third].map(({ items }) => items.map(({ object }) => object.slice(8)));
    expect(names).toEqual([['7', '6', '5'], ['4', '3', '2'], ['1']]);
    expect(third.nextCursor).toBeNull();
    await expect(effects.list({ limit: 3, cursor: 'bnVsbA' })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('keeps to its filters', async () => {
    const { actRecords, claimed, effects } = await setup();
    await actRecords.effect(claimed, effect());
    await actRecords.effect(claimed, effect({ action: 'vacuum', object: 'public.orders', objectKind: 'table' }));
    const objects = async (filter: Parameters<typeof effects.list>[1]) =>
      (await effects.list({ limit: 10 }, filter)).items.map(({ object }) => object);
    expect(await objects({})).toEqual(['public.orders', 'public.orders_pkey']);
    expect(await objects({ targetId: 'shop', action: 'reindex' })).toEqual(['public.orders_pkey']);
    expect(await objects({ object: 'public.orders' })).toEqual(['public.orders']);
    expect(await objects({ targetId: 'stock' })).toEqual([]);
  });

  it('tells the newest few of each object', async () => {
    const { actRecords, claimed, effects } = await setup();
    for (const durationMs of [1, 2, 3]) {
      for (const object of ['public.a', 'public.b', 'public.c']) {
        await actRecords.effect(claimed, effect({ object, durationMs }));
      }
    }
    const asked = ['public.a', 'public.b', 'public.none'].map((object) => ({ targetId: 'shop', object }));
    const found = await effects.ofObjects(asked, 2);
    expect(found.map(({ object, durationMs }) => [object, durationMs])).toEqual([
      ['public.b', 3],
      ['public.a', 3],
      ['public.b', 2],
      ['public.a', 2],
    ]);
    expect(await effects.ofObjects([], 2)).toEqual([]);
  });

  it('remembers the newest few of each object of one target, with what came of them', async () => {
    const { actRecords, claimed, connection, memory, sql } = await setup();
    for (const durationMs of [1, 2, 3]) {
      for (const object of ['public.a', 'public.b', 'public."C d"']) {
        await actRecords.effect(claimed, effect({ object, durationMs, detail: { threshold_percent: 30 } }));
      }
    }
    await sql`UPDATE effects SET at = now() - interval '20 days'`;
    await sql`
      INSERT INTO observed_objects (target_id, node, kind, oid, name, epoch, span_started_at, last_sampled_at, changed_at, counter_names, counters,
        span_counters, gauge_names, gauges)
      VALUES ('shop', 'primary', 'index', 7, 'public.C d', 'e', now(), now(), now(), '{}', '{}', '{}', '{size_bytes,waste_percent}', '{1900,35}')`;
    const lasted = await memory.lasted(['public.a', 'public."C d"', 'public.none'], 2);
    expect(lasted.map(({ effect: { object, durationMs }, aftermath }) => [object, durationMs, aftermath])).toEqual([
      [
        'public."C d"',
        3,
        {
          seenAt: expect.any(Date),
          sizeBytes: 1_900,
          wastePercent: 35,
          wasteBackAt: expect.any(Date),
          statements: [],
        },
      ],
      ['public.a', 3, expect.objectContaining({ seenAt: null, wasteBackAt: null })],
      ['public."C d"', 2, expect.objectContaining({ seenAt: null, wasteBackAt: null })],
      ['public.a', 2, expect.objectContaining({ seenAt: null, wasteBackAt: null })],
    ]);
    expect(await memory.lasted([], 2)).toEqual([]);
    expect(await connection.observations.memoryOf('stock').lasted(['public.a'], 2)).toEqual([]);
  });
});

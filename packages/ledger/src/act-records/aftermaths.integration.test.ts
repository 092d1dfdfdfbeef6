import type { Effect, PastEffect } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup } from '../../../../test/support/executions.ts';

const index = 'public."Orders_pkey"';

/** Effects and samples at so many days before a fixed noon. */
async function setup() {
  const base = await executionsSetup();
  const { sql } = base;
  const { actRecords, ledger } = base.connection;
  const claimed = claimedBy(await base.claim(await base.addJob(), 'rebuild'));
  const noon = new Date('2026-11-22T12:30:00Z');
  const daysAgo = (days: number): Date => new Date(noon.getTime() - days * 86_400_000);
  let oid = 100;
  return {
    sql,
    daysAgo,
    async addEffect(days: number, changes: Partial<Effect> = {}): Promise<PastEffect> {
      await actRecords.effect(claimed, {
        action: 'reindex',
        object: index,
        objectKind: 'index',
        durationMs: 1,
        sizeBeforeBytes: 2_000,
        sizeAfterBytes: 1_000,
        wasteBeforePercent: 50,
        wasteAfterPercent: null,
        detail: {},
        ...changes,
      });
      await sql`UPDATE effects SET at = ${daysAgo(days)} WHERE id = (SELECT max(id) FROM effects)`;
      const [effect] = (await ledger.effects.list({ limit: 1 })).items;
      if (effect === undefined) throw new Error('expected the effect');
      return effect;
    },
    /** An object as it was looked at last, with earlier samples of its size and waste; null = not measured. */
    async observe(
      latest: {
        days: number;
        size: number;
        waste: number | null;
        gone?: boolean;
        node?: string;
        name?: string;
        kind?: string;
      },
      samples: readonly { days: number; size: number; waste: number | null; resolution?: 'hour' | 'day' }[] = [],
    ): Promise<void> {
      const { days, size, waste, gone = false, node = 'primary', name = 'public.Orders_pkey', kind = 'index' } = latest;
      const at = daysAgo(days);
      oid += 1;
      const [object] = await sql<[{ id: number }]>`
        INSERT INTO observed_objects (target_id, node, kind, oid, name, epoch, span_started_at, last_sampled_at, changed_at, counter_names, counters,
          span_counters, gauge_names, gauges, gone_at)
        VALUES ('shop', ${node}, ${kind}, ${oid}, ${name}, 'e', ${at}, ${at}, ${at}, '{}', '{}', '{}', '{rows,size_bytes,waste_percent}',
          ARRAY[1, ${size}::float8, ${waste}::float8], ${gone ? at : null}) RETURNING id::int`;
      for (const sample of samples) {
        const { resolution = 'hour' } = sample;
        await sql`
          INSERT INTO object_samples (object_id, at, resolution, counters, gauges)
          VALUES (${object.id}, date_trunc(${resolution}, ${daysAgo(sample.days)}::timestamptz, 'UTC'), ${resolution}, '{}',
            ARRAY[1, ${sample.size}::float8, ${sample.waste}::float8])`;
      }
    },
    async addLook(days: number, values: JsonObject): Promise<void> {
      await sql`INSERT INTO check_snapshots (target_id, check_name, at, values)
        VALUES ('shop', 'slow_query_pattern', ${daysAgo(days)}, ${sql.json(values as never)})`;
    },
    async aftermathOf(effect: PastEffect) {
      return (await ledger.effects.aftermaths([effect])).get(effect.id);
    },
  };
}

const unseen = { seenAt: null, sizeBytes: null, wastePercent: null, wasteBackAt: null, statements: [] };

describe('the aftermath of an effect', () => {
  it('is not known of what nobody looked at since', async () => {
    const { addEffect, aftermathOf, observe } = await setup();
    const effect = await addEffect(10);
    expect(await aftermathOf(effect)).toEqual(unseen);
    await observe({ days: 11, size: 2_000, waste: 50 }, [{ days: 12, size: 2_000, waste: 50 }]);
    expect(await aftermathOf(effect)).toEqual(unseen);
  });

  it('is how large and wasteful the object became, and when its waste was back; a rebuilt index is another object of its name', async () => {
    const { addEffect, aftermathOf, daysAgo, observe } = await setup();
    const effect = await addEffect(20);
    await observe({ days: 20, size: 2_000, waste: 55, gone: true }, [{ days: 21, size: 2_000, waste: 55 }]);
    await observe({ days: 1, size: 1_900, waste: 52 }, [
      { days: 19, size: 1_000, waste: null },
      { days: 12, size: 1_500, waste: 30, resolution: 'day' },
      { days: 8, size: 1_700, waste: 50, resolution: 'day' },
      { days: 7, size: 1_650, waste: 47, resolution: 'day' },
    ]);
    // Not ours: of a standby, of another kind, of another name.
    await observe({ days: 0, size: 9, waste: 99, node: 'standby:5432/shop' });
    await observe({ days: 0, size: 9, waste: 99, kind: 'table' });
    await observe({ days: 0, size: 9, waste: 99, name: 'public.orders_pkey' });
    const midnight = new Date(`${daysAgo(8).toISOString().slice(0, 10)}T00:00:00Z`);
    expect(await aftermathOf(effect)).toEqual({
      seenAt: daysAgo(1),
      sizeBytes: 1_900,
      wastePercent: 52,
      wasteBackAt: midnight,
      statements: [],
    });
    const strict = await addEffect(20, { object: 'public."Orders_pkey"', detail: { threshold_percent: 30 } });
    expect((await aftermathOf(strict))?.wasteBackAt?.toISOString().slice(0, 10)).toBe(
      daysAgo(12).toISOString().slice(0, 10),
    );
  });

  it('ends with the next work that changes the object', async () => {
    const { addEffect, aftermathOf, daysAgo, observe } = await setup();
    const first = await addEffect(30);
    await addEffect(25, { action: 'analyze' });
    const second = await addEffect(10);
    await observe({ days: 0, size: 1_100, waste: null }, [
      { days: 20, size: 1_800, waste: 45 },
      { days: 10, size: 1_850, waste: 60 }, // the hour of the next work: before or after it, nobody knows
      { days: 5, size: 1_050, waste: null },
    ]);
    expect(await aftermathOf(first)).toMatchObject({ sizeBytes: 1_800, wastePercent: 45, wasteBackAt: null });
    expect(await aftermathOf(second)).toMatchObject({ seenAt: daysAgo(0), sizeBytes: 1_100, wastePercent: null });
  });

  it('tells nothing of waste that was not measured, and has no threshold where none was before', async () => {
    const { addEffect, aftermathOf, observe } = await setup();
    const effect = await addEffect(20, { wasteBeforePercent: null });
    await observe({ days: 1, size: 1_900, waste: 99 });
    expect(await aftermathOf(effect)).toMatchObject({ wastePercent: 99, wasteBackAt: null });
  });

  it('is what the noted statements took within the week after, where their counters were not reset', async () => {
    const { addEffect, addLook, aftermathOf } = await setup();
    const look = (calls: number, totalMs: number, resetMs = 1): JsonObject => ({
      reset_ms: resetMs,
      statements: {
        '10/-77/1': ['a', calls, totalMs, 0, 0],
        '11/-77/1': ['a', 2 * calls, totalMs, 0, 0],
        '10/88/1': ['b', calls, totalMs, 0, 0],
        '10/99/1': ['c', 5, 5, 0, 0],
      },
    });
    const statements = ['-77', '99', '1'].map((queryid) => ({ queryid, calls: 1, mean_ms: 1 }));
    const effect = await addEffect(20, { detail: { statements } });
    await addLook(21, look(1, 1));
    await addLook(19, look(100, 1_000));
    expect((await aftermathOf(effect))?.statements).toEqual([]);
    await addLook(14, look(200, 1_600));
    await addLook(12, look(900, 9_000)); // after the week
    expect((await aftermathOf(effect))?.statements).toEqual([{ queryId: '-77', calls: 300, meanMs: 4 }]);
    const reset = await addEffect(15, { detail: { statements } });
    await addLook(10, look(1_000, 10_000, 2));
    expect((await aftermathOf(reset))?.statements).toEqual([]);
    const odd = await addEffect(20, { detail: { statements: 'none' } });
    expect((await aftermathOf(odd))?.statements).toEqual([]);
  });
});

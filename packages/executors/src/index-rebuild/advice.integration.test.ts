import type { Effect, LookContext } from '@slacktide/application/ports';
import { describe, expect, inject, it } from 'vitest';
import { claimedBy, executionsSetup } from '../../../../test/support/executions.ts';
import { noContext } from '../../../../test/support/no-context.ts';
import { createDatabase } from '../../../../test/support/postgres.ts';
import { vacuumAway } from '../../../../test/support/vacuum.ts';
import { openRig } from '../../test/target-rig.ts';
import { indexRebuild } from './index.ts';

/** A real target, and a real ledger that remembers what is done to it. */
async function setup(major: 14 | 18) {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(`CREATE EXTENSION pgstattuple; CREATE EXTENSION pg_stat_statements;
    CREATE TABLE public."Orders" (id int PRIMARY KEY);
    SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)`);
  const ledger = await executionsSetup();
  const claimed = claimedBy(await ledger.claim(await ledger.addJob(), 'rebuild'));
  const { actRecords, observations } = ledger.connection;
  const context: LookContext = { ...noContext, memory: observations.memoryOf('shop') };
  const client = await rig.connect();
  return {
    rig,
    context,
    /** Fills the table and takes nine rows of ten away: the index keeps its size. */
    bloat: async (): Promise<void> => {
      await client.query(`INSERT INTO public."Orders" SELECT n FROM generate_series((SELECT coalesce(max(id), 0) + 1 FROM public."Orders"),
        (SELECT coalesce(max(id), 0) + 50000 FROM public."Orders")) AS n`);
      await client.query('DELETE FROM public."Orders" WHERE id % 10 <> 0');
      await vacuumAway(client, 'public."Orders"');
    },
    /** Keeps what was done as if it had been so many days ago, and that the waste was back after ten. */
    remember: async (effects: readonly Effect[], days: number): Promise<void> => {
      for (const effect of effects) await actRecords.effect(claimed, effect);
      await ledger.sql`UPDATE effects SET at = now() - ${days} * interval '1 day' WHERE id = (SELECT max(id) FROM effects)`;
      await ledger.sql`
        INSERT INTO observed_objects (target_id, node, kind, oid, name, epoch, span_started_at, last_sampled_at, changed_at, counter_names, counters,
          span_counters, gauge_names, gauges, gone_at)
        SELECT 'shop', 'primary', 'index', ${days}, 'public.Orders_pkey', 'e', seen, seen, seen, '{}', '{}', '{}', '{size_bytes,waste_percent}',
          '{1,90}', seen FROM (SELECT now() - ${days - 10} * interval '1 day' AS seen) AS look`;
      await ledger.sql`
        INSERT INTO object_samples (object_id, at, resolution, counters, gauges)
        SELECT id, date_trunc('day', last_sampled_at, 'UTC'), 'day', '{}', gauges FROM observed_objects WHERE oid = ${days}`;
    },
  };
}

const key = 'public."Orders_pkey"';
const bloated = { min_size_mb: 0, cooldown_days: 0 };

describe.each([14, 18] as const)('the advice of the history on PostgreSQL %i', (major) => {
  it('keeps an index from a third rebuild that grew back after two, until what is advised was done', async () => {
    const { rig, context, bloat, remember } = await setup(major);
    await using _ = rig;
    for (const days of [60, 30]) {
      await bloat();
      for (let id = 1; id <= 3; id += 1) await rig.sql('SELECT count(*) FROM public."Orders" WHERE id = 10');
      const { steps, effects } = await rig.run(indexRebuild, bloated, { context });
      expect(steps.map(({ step, outcome }) => [step.key, outcome.kind])).toEqual([[key, 'done']]);
      expect(effects).toMatchObject([
        {
          action: 'reindex',
          object: key,
          wasteBeforePercent: expect.toSatisfy((percent) => percent >= 40),
          detail: {
            table: 'public."Orders"',
            fillfactor: 90,
            threshold_percent: 40,
            statements: expect.arrayContaining([
              {
                queryid: expect.stringMatching(/^-?\d+$/),
                calls: expect.any(Number),
                mean_ms: expect.any(Number),
                stddev_ms: expect.any(Number),
                rows: expect.any(Number),
              },
            ]),
          },
        },
      ]);
      await remember(effects, days);
    }
    await bloat();
    const words = expect.stringMatching(/^The last two times .* stop rebuilding it, set fillfactor 70\.$/);
    const third = await rig.run(indexRebuild, bloated, { context });
    expect(third.plan).toMatchObject({
      steps: [],
      skipped: [{ object: key, reason: 'advised_against', detail: words }],
    });
    expect((await rig.plan(indexRebuild, { ...bloated, heed_advice: false }, { context })).plan).toMatchObject({
      steps: [{ key, advice: words }],
      skipped: [],
    });
    // The next rebuild is what makes the advised fillfactor hold.
    await rig.sql('ALTER INDEX public."Orders_pkey" SET (fillfactor = 70)');
    const followed = (await rig.plan(indexRebuild, bloated, { context })).plan;
    expect(followed).toMatchObject({ steps: [{ key }], skipped: [] });
    expect(followed?.steps[0]).not.toHaveProperty('advice');
    await rig.sql('ALTER INDEX public."Orders_pkey" RESET (fillfactor)');

    const named = await rig.run(indexRebuild, { indexes: ['"Orders_pkey"'] }, { context });
    expect(named.steps).toMatchObject([
      { step: { key, advice: words }, outcome: { kind: 'done', result: { advice: words } } },
    ]);
  });
});

import type { LastedEffect, LookContext } from '@slacktide/application/ports';
import { careSteps } from '@slacktide/domain';
import { expect, inject, it } from 'vitest';
import { noContext } from '../../../../test/support/no-context.ts';
import { createDatabase } from '../../../../test/support/postgres.ts';
import { vacuumAway } from '../../../../test/support/vacuum.ts';
import { openRig } from '../../test/target-rig.ts';
import { postgresCare } from './index.ts';

const dayMs = 86_400_000;

/** A ledger with automatic rebuilds switched on that remembers what became of these indexes' last rebuilds: their waste was back after ten days. */
function context(indexes: readonly string[]): LookContext {
  const health = { auto_reindex: true, min_size_mb: 1 };
  const lasted = indexes.flatMap((object) =>
    [60, 30].map((days) => {
      const at = new Date(Date.now() - days * dayMs);
      const effect = { object, action: 'reindex', at, sizeBeforeBytes: 2_000, sizeAfterBytes: 1_000, detail: {} };
      return { effect, aftermath: { wasteBackAt: new Date(at.getTime() + 10 * dayMs) } } as unknown as LastedEffect;
    }),
  );
  return {
    ...noContext,
    memory: {
      ...noContext.memory,
      careLayers: async () => [{ origin: 'target', settings: { features: { index_health: health } } }],
      lasted: async (objects) => lasted.filter(({ effect }) => objects.includes(effect.object)),
    },
  };
}

it('has nothing rebuilt that grew back twice, says so, and has the others rebuilt', async () => {
  await using rig = await openRig(await createDatabase(inject('targetUrls')[18]));
  await rig.sql(`CREATE EXTENSION pgstattuple;
    CREATE TABLE public."Orders" (id int) WITH (autovacuum_enabled = off);
    INSERT INTO public."Orders" SELECT generate_series(1, 100000);
    CREATE INDEX first ON public."Orders" (id);
    CREATE INDEX "Second" ON public."Orders" ((id + 1));
    DELETE FROM public."Orders" WHERE id % 10 > 0`);
  await vacuumAway(await rig.connect(), 'public."Orders"');
  const key = careSteps.find(({ number }) => number === 7)?.key;
  const run = async (indexes: readonly string[]) => {
    const { steps, followUps } = await rig.run(postgresCare, {}, { context: context(indexes) });
    const { document } = postgresCare.summarise?.(steps) ?? {};
    return {
      step: steps.find(({ step }) => step.key === key)?.outcome,
      rebuilds: followUps.filter(({ type }) => type === 'INDEX_REBUILD'),
      document,
    };
  };
  const all = await run(['public.first', 'public."Second"']);
  expect(all.step).toMatchObject({
    kind: 'done',
    result: { follow_up: { set_off: null, reason: 'advised_against', advised_against: 2 } },
  });
  expect(all.rebuilds).toEqual([]);
  expect(all.document).toMatchObject({ cleanup: { automatic_reindex: { scheduled: 0, reason: 'advised_against' } } });
  const one = await run(['public."Second"']);
  expect(one.step).toMatchObject({ result: { follow_up: { set_off: 'INDEX_REBUILD', advised_against: 1 } } });
  expect(one.rebuilds).toHaveLength(1);
  expect(one.document).toMatchObject({
    cleanup: { bloated_indexes_found: 2, automatic_reindex: { scheduled: 1, reason: 'care found 1 bloated indexes' } },
  });
});

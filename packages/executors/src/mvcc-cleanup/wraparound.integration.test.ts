import { expect, it, onTestFinished } from 'vitest';
import { createDatabase, startPostgres } from '../../../../test/support/postgres.ts';
import { openRig } from '../../test/target-rig.ts';
import { mvccCleanup } from './index.ts';

it('MVCC_CLEANUP freezes what is late, catalogues too, and names the databases that it cannot reach', async () => {
  // The least there may be, so that a test can use up as many.
  const server = await startPostgres(18, { flags: ['autovacuum_freeze_max_age=100000'] });
  onTestFinished(() => server.stop());
  await using rig = await openRig(await createDatabase(server.url));
  await rig.sql('CREATE TABLE late AS SELECT g AS id FROM generate_series(1, 10) g');
  await rig.sql(`CREATE DATABASE "clo""sed" ALLOW_CONNECTIONS false`);
  await rig.sql(
    'DO $$ BEGIN FOR i IN 1..100100 LOOP PERFORM pg_catalog.pg_current_xact_id(); COMMIT; END LOOP; END $$',
  );
  const late = async (): Promise<string[]> =>
    (await rig.plan(mvccCleanup, { max_tables: 1000 })).plan?.steps.map(({ key }) => key) ?? [];
  expect(await late()).toEqual(
    expect.arrayContaining(['public.late', 'pg_catalog.pg_class', 'pg_catalog.pg_database']),
  );

  const { plan, effects, steps } = await rig.run(mvccCleanup, { max_tables: 2 });
  expect(plan?.skipped).toContainEqual({ object: 'template1', reason: 'another_database: wraparound_late' });
  expect(plan?.unknown).toContainEqual({
    object: 'clo"sed',
    reason: 'allows_no_connections: wraparound_late',
    grant: 'ALTER DATABASE "clo""sed" ALLOW_CONNECTIONS true',
  });
  expect(steps.map(({ outcome }) => outcome.kind)).toEqual(['done', 'done']);
  expect(effects.map(({ action, object }) => [action, object])).toEqual(steps.map(({ step }) => ['vacuum', step.key]));
  const rest = await late();
  for (const { step } of steps) expect(rest).not.toContain(step.key);
});

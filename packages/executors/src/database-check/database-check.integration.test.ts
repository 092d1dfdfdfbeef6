import type { LookContext, Standby } from '@slacktide/application/ports';
import { type CareLayer, type CheckName, checkNames, type JsonObject } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import { describe, expect, inject, it } from 'vitest';
import { noContext } from '../../../../test/support/no-context.ts';
import { createDatabase } from '../../../../test/support/postgres.ts';
import { openRig } from '../../test/target-rig.ts';
import { databaseCheck } from './index.ts';

const careLayers: readonly CareLayer[] = [
  { origin: 'fleet', settings: { features: { index_cleanup: { min_scans: 50, days_unused: 3 } } } },
  { origin: 'target', settings: { features: { index_health: { min_size_mb: 0 }, index_cleanup: { days_unused: 5 } } } },
];

/** Nobody listens at port 1. */
const unreachable: Standby = {
  name: '127.0.0.1:1/shop',
  read: (use) =>
    createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } }).read(
      { kind: 'postgres', connection: 'postgresql://postgres@127.0.0.1:1/shop', secretRef: 'env:TARGET_PASSWORD' },
      { applicationName: 'slacktide/test/1' },
      use,
    ),
};

const remembering = (snapshots: ReadonlyMap<CheckName, JsonObject>): LookContext => ({
  ...noContext,
  standbys: [unreachable],
  memory: {
    ...noContext.memory,
    careLayers: async () => careLayers,
    snapshots: async (check) => {
      const values = snapshots.get(check);
      return values === undefined ? [] : [{ at: new Date(), values }];
    },
  },
});

describe.each([14, 18] as const)('DATABASE_CHECK on PostgreSQL %i', (major) => {
  it('samples, runs every check once, and tells of a standby that it cannot reach', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(`CREATE EXTENSION pgstattuple;
      CREATE TABLE orders (id int PRIMARY KEY, n int) WITH (autovacuum_enabled = off);
      INSERT INTO orders SELECT n, n FROM generate_series(1, 20000) AS n;
      CREATE INDEX orders_n ON orders (n); CREATE INDEX orders_n_id ON orders (n, id); DELETE FROM orders WHERE id % 20 > 0`);
    await rig.sql('VACUUM orders');
    const snapshots = new Map<CheckName, JsonObject>();
    const first = await rig.run(databaseCheck, {}, { context: remembering(snapshots) });
    expect(first.plan).toMatchObject({ checked: 1, skipped: [], unknown: [] });
    expect(first.steps.map(({ step }) => step.key)).toEqual(['sampling', ...checkNames]);
    expect(first.steps.flatMap(({ step, outcome }) => (outcome.kind === 'done' ? [] : [step.key]))).toEqual([]);
    expect(first.reports.map(({ check }) => check)).toEqual(checkNames);
    expect(first.steps[0]?.outcome).toMatchObject({
      result: {
        nodes: [
          { node: 'primary', objects: 6 },
          { node: unreachable.name, error: expect.stringMatching(/^unreachable: /) },
        ],
      },
    });
    const redundant = first.reports.find(({ check }) => check === 'redundant_index');
    expect(redundant?.findings).toMatchObject([{ object: { name: 'orders_n' } }]);
    for (const { step, outcome } of first.steps.slice(1)) {
      const report = first.reports.find(({ check }) => check === step.key);
      const counts = { checked: report?.checked, findings: report?.findings.length };
      expect(outcome.kind === 'done' && outcome.result, step.key).toMatchObject(counts);
    }
    const waste = (run: typeof first) =>
      run.observations.flatMap(({ readings }) =>
        readings.flatMap(({ name, gauges }) => ('waste_percent' in gauges ? [[name, gauges['waste_percent']]] : [])),
      );
    expect(waste(first)).toEqual([]);

    for (const { check, snapshot } of first.reports) if (snapshot !== undefined) snapshots.set(check, snapshot);
    const second = await rig.run(databaseCheck, { checks: ['workload'] }, { context: remembering(snapshots) });
    expect(second.reports.map(({ check }) => check)).toEqual(['workload']);
    expect(Object.fromEntries(waste(second))).toMatchObject({ 'public.orders_n': expect.toSatisfy((n) => n > 50) });

    await rig.sql('REINDEX INDEX orders_n');
    const rebuilt = await rig.run(databaseCheck, { checks: ['workload'] }, { context: remembering(snapshots) });
    expect(Object.keys(Object.fromEntries(waste(rebuilt)))).not.toContain('public.orders_n');
    const without = await rig.run(databaseCheck, { checks: ['workload'], sampling: false });
    expect(without).toMatchObject({ steps: [{ step: { key: 'workload' } }], observations: [] });
  });

  it('judges by the care settings, and above them by what was asked', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    const { plan } = await rig.plan(
      databaseCheck,
      { checks: ['index_bloat', 'unused_index'], config: { unused_index: { min_scans: 2 } }, sampling: false },
      { context: remembering(new Map()) },
    );
    expect(plan?.steps.map(({ key, data, statements }) => [key, data['config'], statements])).toMatchObject([
      ['unused_index', { min_scans: 2, days_unused: 5 }, []],
      ['index_bloat', { min_size_mb: 0, bloat_threshold: 20 }, []],
    ]);
  });
});

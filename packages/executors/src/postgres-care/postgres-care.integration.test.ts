import type { LookContext, Standby } from '@slacktide/application/ports';
import { type CareLayer, careSteps, effectiveCareSettings } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { noContext } from '../../../../test/support/no-context.ts';
import { createDatabase } from '../../../../test/support/postgres.ts';
import { openRig } from '../../test/target-rig.ts';
import { postgresCare } from './index.ts';
import { careBypasses, listBypasses } from './safeguards.ts';

const context = (layers: readonly CareLayer[], standbys: readonly Standby[] = []): LookContext => ({
  ...noContext,
  standbys,
  memory: {
    ...noContext.memory,
    careLayers: async () => layers,
    lastRuns: async () => new Map([['workload', new Date()]]),
    safeguards: async () => ({ ...(await noContext.memory.safeguards()), indexAttempts: 3, indexSuccesses: 2 }),
  },
});

const layers: readonly CareLayer[] = [
  {
    origin: 'target',
    settings: {
      features: {
        bypass_status: { interval_hours: 1 },
        index_health: { min_size_mb: 2, auto_reindex: true },
        foreign_key_suggestions: { enabled: false },
      },
    },
  },
];

describe('careBypasses', () => {
  it('tells switches that are off, automatisms that are on, and thresholds that are others', () => {
    const { items } = effectiveCareSettings(layers);
    expect(careBypasses(items)).toMatchObject([
      { safeguard: 'features.bypass_status.interval_hours', status: 'overridden', detail: '1 instead of 0, by target' },
      { safeguard: 'features.index_health.min_size_mb', status: 'overridden' },
      { safeguard: 'features.index_health.auto_reindex', status: 'bypassed' },
      {
        safeguard: 'features.foreign_key_suggestions.enabled',
        status: 'off',
        detail: 'false instead of true, by target',
      },
    ]);
    expect(careBypasses(effectiveCareSettings([]).items)).toEqual([]);
  });
});

describe('POSTGRES_CARE', () => {
  it('lists what is off on the server', async () => {
    const { url, drop } = await createDatabase(inject('targetUrls')[14]);
    onTestFinished(drop);
    const gateway = createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } });
    const address = {
      kind: 'postgres',
      connection: url.replace(':postgres@', '@'),
      secretRef: 'env:TARGET_PASSWORD',
    } as const;
    await using rig = await openRig({ url, drop: async () => undefined });
    await rig.sql(`CREATE TABLE a (t text) WITH (autovacuum_enabled = 'F', toast.autovacuum_enabled = off, fillfactor = 70);
      CREATE TABLE b () WITH (autovacuum_enabled = on)`);
    const list = (force: boolean) =>
      gateway.read(address, { applicationName: 'slacktide/test/1' }, (reader) => listBypasses(reader, [], force));
    const off = ['autovacuum', 'data_checksums', 'fsync', 'full_page_writes'].map((name) => ({
      safeguard: `server ${name}`,
      status: 'off',
      detail: `${name} is off`,
    }));
    const tables = {
      safeguard: 'autovacuum of tables',
      status: 'off',
      detail: 'autovacuum_enabled is off for 2 tables',
    };
    expect(await list(false)).toEqual(expect.arrayContaining([...off, tables]));
    expect(await list(false)).toHaveLength(5);
    expect((await list(true))[0]).toMatchObject({ safeguard: 'intervals', status: 'bypassed' });
  });

  it('runs its steps and gives the whole document', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[18]));
    await rig.sql(`CREATE EXTENSION pgstattuple; CREATE TABLE orders (id int PRIMARY KEY, n int, o int REFERENCES orders);
      CREATE INDEX orders_n ON orders (n); CREATE INDEX orders_n_id ON orders (n, id)`);
    const { plan, steps, reports, observations } = await rig.run(postgresCare, {}, { context: context(layers) });
    expect(steps.map(({ step }) => step.key)).toEqual(['sampling', ...careSteps.map(({ key }) => key)]);
    expect(steps.filter(({ outcome }) => outcome.kind === 'failed')).toEqual([]);
    expect(observations).toMatchObject([{ node: 'primary' }]);
    const skipped = ['11-workload', '12-foreign-keys'];
    const looked = careSteps.filter(({ key }) => !skipped.includes(key)).flatMap(({ checks }) => checks);
    expect(reports.map(({ check }) => check)).toEqual(looked);
    expect(steps[1]?.outcome).toMatchObject({
      kind: 'done',
      result: {
        safeguards: expect.arrayContaining([
          { safeguard: 'features.index_health.auto_reindex', status: 'bypassed', detail: expect.any(String) },
          { safeguard: 'server fsync', status: 'off', detail: 'fsync is off' },
        ]),
      },
    });

    const learning = { status: 'unknown', reason: expect.any(String), grant: expect.any(String) };
    const { document } = postgresCare.summarise?.(steps) ?? {};
    expect(document).toEqual({
      timestamp: plan?.steps[1]?.data['started_at'],
      status: 'success',
      integrity_check: { status: expect.stringMatching(/^(healthy|unknown)$/), issues: [] },
      cleanup: {
        orphaned_indexes: 0,
        orphaned_indexes_removed: 0,
        invalid_indexes: 0,
        invalid_indexes_removed: 0,
        stale_advisory_locks: 0,
        stale_operations: 0,
        unused_indexes_found: 0,
        unused_indexes_removed: 0,
        index_health: { healthy: expect.any(Number), bloated: 0, underutilized: expect.any(Number) },
        bloated_indexes_found: 0,
        automatic_reindex: { scheduled: 0, rebuilt: 0, reason: 'nothing_found' },
        pattern_learning: learning,
        statistics_refresh: { stale_tables_found: 0, tables_analyzed: 0, success: true },
        redundant_indexes_found: 1,
        workload_analysis: {
          status: 'skipped',
          reason: expect.stringContaining('interval has not passed'),
          due_at: expect.any(String),
        },
        foreign_key_suggestions: { status: 'skipped', reason: 'disabled' },
        concurrent_index_monitoring: { active_builds: 0, hanging_builds: 0 },
        hanging_concurrent_builds: 0,
        materialized_views: { count: 0, index_suggestions: 0 },
        safeguard_metrics: expect.objectContaining({
          index_creation: { attempts: 3, successes: 2, success_rate: 0.667 },
        }),
        safeguard_status: 'some_bypassed',
        predictive_maintenance: { predicted_reindex_needs: 0, recommendations: 0, forecasts: 0, not_enough_data: 0 },
        ml_training: learning,
      },
    });
  });
});

import { type Sample, TargetError } from '@slacktide/application/ports';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { vacuumAway } from '../../../../test/support/vacuum.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { metricsCollection } from './index.ts';

const hostileQuoted = `"t""; DROP TABLE decoy; --\n'"`;
/** Of this file alone: roles belong to the server, which all files share. */
const role = `metrics "role"`;
const roleQuoted = `"metrics ""role"""`;

const of = (samples: readonly Sample[], metric: string): readonly Sample[] =>
  samples.filter((sample) => sample.metric === metric);

describe.each(majors)('METRICS_COLLECTION on PostgreSQL %i', (major) => {
  const setup = async (...statements: string[]): Promise<TargetRig> => {
    const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    for (const statement of statements) await rig.sql(statement);
    return rig;
  };

  it('samples sizes, activity, ages and the bloat it measures', async () => {
    await using rig = await setup(
      'CREATE SCHEMA "odd schema"',
      'CREATE EXTENSION pgstattuple SCHEMA "odd schema"',
      `CREATE TABLE ${hostileQuoted} (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off)`,
      `INSERT INTO ${hostileQuoted} SELECT g, repeat('x', 100) FROM generate_series(1, 40000) g`,
      `DELETE FROM ${hostileQuoted} WHERE id % 4 <> 0`,
      'CREATE TABLE small (id int PRIMARY KEY)',
      'CREATE TABLE words (list text[])',
      'CREATE INDEX words_gin ON words USING gin (list)',
      `INSERT INTO words SELECT ARRAY[md5(g::text), md5((g + 1)::text)] FROM generate_series(1, 3000) g`,
    );
    const name = (
      await rig.sql<{ name: string }>(
        `SELECT format('%I.%I', 'public', relname) AS name FROM pg_class WHERE relname LIKE 't"%' AND relkind = 'r'`,
      )
    )[0]?.name;
    const idle = await rig.connect();
    await vacuumAway(idle, hostileQuoted);
    await idle.query('BEGIN');
    const { plan, steps, samples } = await rig.run(metricsCollection, { min_measured_mb: 0.1 });

    expect(plan).toMatchObject({
      skipped: [{ object: 'public.words_gin', reason: 'no_measure_for gin' }],
      unknown: [],
    });
    expect(steps.map(({ step, outcome }) => [step.data['read'], outcome.kind])).toEqual([
      ['database', 'done'],
      ['activity', 'done'],
      ['tables', 'done'],
      ['indexes', 'done'],
      ['table_bloat', 'done'],
      ['index_bloat', 'done'],
      ['table_bloat', 'done'],
    ]);
    expect(of(samples, 'database_size')[0]?.values['size_bytes']).toBeGreaterThan(1e6);
    expect(of(samples, 'transaction_ids')[0]?.values).toEqual({
      xid_age: expect.any(Number),
      multixact_age: expect.any(Number),
      cluster_xid_age: expect.any(Number),
      freeze_max_age: 200_000_000,
    });
    expect(of(samples, 'database_counters')[0]?.values).toMatchObject({ xact_commit: expect.any(Number) });
    expect(of(samples, 'activity')).toMatchObject([{ object: null, values: { idle_in_transaction: 1, hidden: 0 } }]);
    expect(of(samples, 'table').map(({ object }) => object)).toEqual([name, 'public.words', 'public.small']);
    expect(of(samples, 'index')).toHaveLength(3);
    // Three quarters of the rows are gone, evenly: so is that share of the heap, and of the index's leaves.
    const waste = (metric: string): number => Number(of(samples, metric)[0]?.values['waste_percent']);
    expect(waste('table_bloat')).toBeGreaterThan(65);
    expect(waste('table_bloat')).toBeLessThan(85);
    expect(waste('index_bloat')).toBeGreaterThan(65);
    expect(waste('index_bloat')).toBeLessThan(85);
    expect(of(samples, 'table_bloat')[0]?.object).toBe(name);
    expect(metricsCollection.summarise?.(steps)).toEqual({ samples: samples.length });
  });

  it('says what it cannot see, and the GRANT that cures it', async () => {
    await using rig = await setup('CREATE TABLE t AS SELECT g FROM generate_series(1, 1000) g');
    await rig.sql(`CREATE ROLE ${roleQuoted} LOGIN PASSWORD 'postgres'`);
    try {
      const bare = await rig.run(metricsCollection, { min_measured_mb: 0 }, { as: role });
      expect(bare.plan?.unknown).toEqual([
        {
          object: 'activity',
          reason: 'states of other roles are hidden',
          grant: `GRANT pg_read_all_stats TO ${roleQuoted}`,
        },
        { object: 'bloat', reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' },
      ]);
      expect(bare.steps.map(({ outcome }) => outcome.kind)).toEqual(['done', 'done', 'done', 'done']);

      await rig.sql('CREATE EXTENSION pgstattuple');
      const closed = await rig.plan(metricsCollection, { min_measured_mb: 0 }, { as: role });
      const grants = closed.plan?.unknown.map(({ grant }) => grant ?? '') ?? [];
      expect(grants).toEqual([
        `GRANT pg_read_all_stats TO ${roleQuoted}`,
        `GRANT pg_stat_scan_tables TO ${roleQuoted}`,
      ]);
      for (const grant of grants) await rig.sql(grant);
      const cured = await rig.run(metricsCollection, { min_measured_mb: 0 }, { as: role });
      expect(cured.plan?.unknown).toEqual([]);
      expect(of(cured.samples, 'table_bloat')).toHaveLength(1);
    } finally {
      await rig.sql(`DROP ROLE ${roleQuoted}`);
    }
  });

  it('leaves locked tables out of what it reads instead of waiting for them', async () => {
    await using rig = await setup(
      'CREATE EXTENSION pgstattuple',
      'CREATE TABLE locked AS SELECT g FROM generate_series(1, 1000) g',
      'CREATE TABLE open AS SELECT g FROM generate_series(1, 1000) g',
    );
    const session = await rig.connect();
    const lock = async (): Promise<void> => {
      await session.query('BEGIN');
      await session.query('LOCK TABLE locked IN ACCESS EXCLUSIVE MODE');
    };
    const late = await rig.run(metricsCollection, { min_measured_mb: 0 }, { beforeSteps: lock });
    expect(of(late.samples, 'table').map(({ object }) => object)).toEqual(['public.open']);
    expect(late.steps.find(({ step }) => step.key === 'tables')?.outcome).toMatchObject({
      result: { locked: ['public.locked'] },
    });
    expect(late.steps.find(({ step }) => step.key === 'table_bloat public.locked')?.outcome).toEqual({
      kind: 'skipped',
      reason: 'locked',
    });
    const early = await rig.run(metricsCollection, { min_measured_mb: 0 });
    expect(early.steps.map(({ step }) => step.key)).toContain('table_bloat public.open');
    expect(early.plan?.skipped).toEqual([{ object: 'public.locked', reason: 'locked' }]);
  });

  it('stops when it is told to', async () => {
    await using rig = await setup();
    const cancel = new AbortController();
    const error = await rig
      .run(metricsCollection, {}, { signal: cancel.signal, beforeSteps: async () => cancel.abort() })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TargetError);
    expect(error).toMatchObject({ code: 'cancelled' });
  });
});

import type { JsonObject } from '@slacktide/domain';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase } from '../../../../../test/support/postgres.ts';
import { Remembered, runCare } from '../../../test/care-memory.ts';
import { openRig } from '../../../test/target-rig.ts';

const day = 86_400_000;

const slow = 'SELECT count(*), pg_sleep(0.11) FROM orders WHERE customer_id = $1 AND note <> $2';

describe.each([14, 18] as const)('what care learns on PostgreSQL %i', (major) => {
  it('learns slow and fast statements, keeps none of their values, and suggests the index that is missing', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql('CREATE EXTENSION pg_stat_statements');
    await rig.sql(`CREATE TABLE orders (id int PRIMARY KEY, customer_id int, note text);
      INSERT INTO orders SELECT n, n % 5000, 'n' FROM generate_series(1, 20000) n; ANALYZE orders`);
    const remembered = new Remembered();
    await runCare(rig, remembered);
    const client = await rig.connect();
    for (let at = 0; at < 3; at += 1) await client.query(slow, [at, 'somebody’s secret']);
    for (let at = 0; at < 12; at += 1) await client.query('SELECT note FROM orders WHERE id = $1', [at]);
    await client.query(`SELECT note FROM orders WHERE id = 1 AND note = 'another secret'`);

    const { pattern_learning } = await runCare(rig, remembered);
    expect(pattern_learning).toMatchObject({ slow_patterns: 1, index_suggestions: 1 });
    const patterns = remembered.valuesOf('pattern');
    expect(patterns).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'slow', occurrences: 3, query: expect.stringContaining('pg_sleep') }),
        expect.objectContaining({ kind: 'fast', occurrences: 12, query: 'SELECT note FROM orders WHERE id = $1' }),
      ]),
    );
    expect(JSON.stringify([...patterns, ...remembered.valuesOf('suggestion')])).not.toContain('secret');
    const [suggestion] = remembered.valuesOf('suggestion');
    expect(suggestion).toMatchObject({
      table: 'orders',
      columns: ['customer_id'],
      sql: 'CREATE INDEX CONCURRENTLY ON public.orders (customer_id)',
      proof: { kind: 'unproven', reason: 'hypopg is not installed' },
      rows: 20_000,
    });

    await rig.sql(String(suggestion?.['sql']));
    await runCare(rig, remembered);
    expect(remembered.valuesOf('suggestion')).toEqual([]);
  });

  it('says why there is nothing to learn from', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    const { pattern_learning, ml_training } = await runCare(rig, new Remembered());
    const unknown = { status: 'unknown', grant: 'CREATE EXTENSION pg_stat_statements' };
    expect(pattern_learning).toMatchObject(unknown);
    expect(ml_training).toMatchObject(unknown);
  });

  it('learns what load each table has, also over a reset, and says where there is too little to tell', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(`CREATE TABLE read (id int); CREATE TABLE written (id int, n int) WITH (fillfactor = 50); CREATE TABLE idle (id int);
      INSERT INTO read SELECT generate_series(1, 500); INSERT INTO idle VALUES (1)`);
    await rig.counters('read', { n_tup_ins: 500 });
    const remembered = new Remembered();
    const learned = async () => {
      await runCare(rig, remembered);
      return remembered.valuesOf('workload');
    };
    const byObject = (values: readonly JsonObject[]) =>
      Object.fromEntries(values.map((each) => [each['object'], each]));
    expect(byObject(await learned())).toMatchObject({
      'public.read': { kind: 'not_enough_data', reason: 'no earlier look to compare with' },
      'public.idle': { kind: 'not_enough_data' },
    });

    const scans = async (times: number): Promise<void> => {
      const client = await rig.connect();
      for (let at = 0; at < times; at += 1) await client.query('SELECT count(*) FROM read');
      await client.end();
    };
    await scans(3);
    await rig.sql('INSERT INTO written SELECT n, 0 FROM generate_series(1, 600) n');
    await rig.sql('UPDATE written SET n = 1 WHERE id <= 100');
    await rig.counters('read', { seq_tup_read: 1_500 });
    await rig.counters('written', { n_tup_ins: 600, n_tup_upd: 100 });
    const values = await learned();
    expect(values[0]).toMatchObject({ subject: 'database', kind: 'classified', workload_type: 'mixed' });
    expect(byObject(values)).toMatchObject({
      'public.read': { workload_type: 'read-heavy', rows_read: 1_500, rows_written: 0, hot_ratio: null },
      'public.written': { rows_inserted: 600, rows_updated: 100, hot_ratio: 1, counted_on: 'primary' },
      'public.idle': { kind: 'not_enough_data', reason: expect.stringMatching(/^only 0 rows.*100 are needed$/) },
    });

    // The database cannot be compared over the reset; each table goes on with what it had.
    await rig.sql('SELECT pg_stat_reset()');
    await rig.counters('read', { seq_tup_read: 0 });
    await scans(1);
    await rig.counters('read', { seq_tup_read: 500 });
    const after = await learned();
    expect(after[0]).toMatchObject({ subject: 'database', kind: 'not_enough_data' });
    expect(byObject(after)).toMatchObject({
      'public.read': { workload_type: 'read-heavy', rows_read: 2_000, counters_reset: 1 },
    });
  });

  it('trains from what was executed, once there is enough, and keeps score of itself and of a rule', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql('CREATE EXTENSION pg_stat_statements');
    const remembered = new Remembered();
    const first = await runCare(rig, remembered);
    expect(first['ml_training']).toMatchObject({ status: 'not_enough_data', accuracy: null });
    const client = await rig.connect();
    for (let table = 0; table < 20; table += 1)
      await client.query(`CREATE TABLE t${table} (id int PRIMARY KEY, n int)`);
    for (let round = 0; round < 3; round += 1) {
      for (let table = 0; table < 20; table += 1) {
        const nap = table % 4 === 0 ? ', pg_sleep(0.101)' : '';
        await client.query(`SELECT t${table}.n${nap} FROM (SELECT 1) AS one LEFT JOIN t${table} ON id = $1`, [round]);
      }
      await runCare(rig, remembered);
    }
    const last = await runCare(rig, remembered);
    expect(last['ml_training']).toMatchObject({
      samples: expect.any(Number),
      accuracy: expect.any(Number),
      rule: { name: expect.stringMatching(/^(plan_cost|slow_before)$/), accuracy: expect.any(Number) },
      used: expect.any(Boolean),
    });
    expect(remembered.valuesOf('model')).toMatchObject([{ features: expect.arrayContaining(['plan_cost']) }]);
  });
});

describe('what care foretells', () => {
  it('of bloat, size, ids and sequences, with the error of its method, and plainly where it cannot', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[18]));
    const remembered = new Remembered();
    const now = Date.now();
    const growing = (from: number, perDay: number, days = 20) =>
      Array.from({ length: days }, (_, at) => ({
        at: new Date(now - (days - 1 - at) * day),
        value: from + perDay * at,
      }));
    remembered.gauges = ({ kind, gauge }) => {
      if (kind === 'index' && gauge === 'waste_percent') {
        return [
          { name: 'public.soon', oid: 1, readings: growing(5, 0.7) },
          { name: 'public.new', oid: 2, readings: growing(5, 1, 3) },
        ];
      }
      return kind === 'sequence' ? [{ name: 'public.ids', oid: 3, readings: growing(55, 1) }] : [];
    };
    const { predictive_maintenance } = await runCare(rig, remembered);
    expect(predictive_maintenance).toEqual({
      predicted_reindex_needs: 1,
      recommendations: 2,
      forecasts: 3,
      not_enough_data: 1,
    });
    expect(remembered.valuesOf('forecast')).toMatchObject([
      {
        subject: 'index_bloat',
        object: 'public.soon',
        kind: 'forecast',
        back_tested_error_percent: expect.any(Number),
      },
      { object: 'public.new', kind: 'not_enough_data', readings: 3 },
      {
        subject: 'sequence',
        object: 'public.ids',
        threshold: 100,
        kind: 'forecast',
        days: { likely: expect.closeTo(26, 0) },
      },
    ]);
  });
});

import pg from 'pg';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { createDatabase, majors, startPostgres, withDatabase } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { wraparound } from './index.ts';

/** Uses up transaction ids: a subtransaction takes one of its own when it writes. */
const useXids = (count: number): string => `DO $$ BEGIN FOR i IN 1..${count} LOOP
  BEGIN PERFORM pg_catalog.pg_logical_emit_message(true, '', ''); EXCEPTION WHEN division_by_zero THEN END;
END LOOP; END $$`;

/** Uses up multixacts: a row that a transaction and its subtransaction lock, another subtransaction for each row. */
const useMultixacts = (table: string): readonly string[] => [
  'BEGIN',
  `SELECT count(*) FROM (SELECT FROM ${table} FOR KEY SHARE) x`,
  `DO $$ DECLARE r tid; BEGIN FOR r IN SELECT ctid FROM ${table} LOOP
    BEGIN PERFORM FROM ${table} WHERE ctid = r FOR SHARE; EXCEPTION WHEN division_by_zero THEN END;
  END LOOP; END $$`,
  'COMMIT',
];

const namesOf = (report: Awaited<ReturnType<CheckRig['run']>>): string[] =>
  report.findings.map(({ object }) =>
    object.schema?.startsWith('pg_temp') ? object.name : `${object.schema}.${object.name}`,
  );
const [strict, multixactStrict] = ['autovacuum_freeze_max_age = 100000', 'autovacuum_multixact_freeze_max_age = 10000'];
const nobody = 'wraparound_nobody';

describe.each(majors)('wraparound on PostgreSQL %i', (major) => {
  it('judges tables and their TOAST tables by the options that hold for them, and freezes what it finds', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.execute([
      `CREATE SCHEMA "we're"`,
      `CREATE TABLE "we're"."we""ird; --" (n int) WITH (${strict})`,
      `CREATE MATERIALIZED VIEW summary WITH (${strict}) AS SELECT 1 AS n`,
      'CREATE TABLE young (n int, note text)',
      `CREATE TABLE lax (n int) WITH (autovacuum_freeze_max_age = 2000000000)`,
      `CREATE TABLE toast_follows (note text) WITH (${strict})`,
      `CREATE TABLE toast_on_its_own (note text) WITH (${strict}, toast.autovacuum_enabled = off)`,
      `CREATE TABLE toast_strict (note text) WITH (toast.${strict})`,
      'CREATE TABLE parts (n int) PARTITION BY LIST (n)',
      `CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1) WITH (${strict})`,
      `CREATE TABLE shared (n int) WITH (${multixactStrict})`,
      'INSERT INTO shared SELECT generate_series(1, 120)',
      // An extension's own table counts with its database.
      `CREATE TABLE theirs (n int) WITH (${strict})`,
      'CREATE EXTENSION pg_stat_statements',
      'ALTER EXTENSION pg_stat_statements ADD TABLE theirs',
    ]);
    const session = await rig.connect({ applicationName: 'forgotten "tab"' });
    await session.query(`CREATE TEMP TABLE scratch (n int) WITH (${strict})`);
    const reporting = await rig.connect({ applicationName: 'nightly report' });
    await reporting.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM young');
    await rig.execute([useXids(1100), ...useMultixacts('shared')]);

    // A percentage of the smallest limit that may be set, not to use up a hundred thousand ids of a server others use too.
    const onePercent = { late_percent: 1 };
    const held = await rig.run(wraparound, onePercent);
    const late = ['we\'re.we"ird; --', 'public.summary', 'public.toast_follows', 'public.toast_on_its_own'];
    const expected = [...late, 'public.toast_strict', 'public.part_1', 'public.shared', 'scratch'];
    expect(namesOf(held).sort()).toEqual(expected.toSorted());
    expect(held.findings.find(({ object }) => object.name === 'summary')).toMatchObject({
      severity: 'warning',
      object: { kind: 'materialized_view' },
      evidence: { limit: 100_000, held_back_by: [{ kind: 'session', name: 'nightly report' }] },
      action: null,
    });
    expect(held.findings.find(({ object }) => object.name === 'toast_strict')?.evidence['heap']).toBe('toast');
    expect(held.findings.find(({ object }) => object.name === 'shared')?.evidence).toMatchObject({
      ids: 'multixact',
      limit: 10_000,
    });
    const { rows } = await session.query('SELECT pg_backend_pid() AS pid');
    expect(held.findings.find(({ object }) => object.name === 'scratch')).toMatchObject({
      // Backends are numbered as temporary schemas are from 16 on.
      evidence: { temporary: true, temporary_table_of_pid: major >= 16 ? rows[0].pid : null },
      action: null,
    });
    expect(held).toMatchObject({ unknown: [], skipped: [], figures: { oldest_xid_age: expect.any(Number) } });

    await reporting.query('ROLLBACK');
    const { findings } = await rig.run(wraparound, onePercent);
    await rig.execute(findings.flatMap(({ action }) => action?.sql ?? []));
    expect(namesOf(await rig.run(wraparound, onePercent))).toEqual(['scratch']);

    // A TOAST table goes by the options of its table, unless it has any of its own.
    await rig.execute([useXids(1100)]);
    // Others on the server hold the horizon back for moments.
    await vi.waitFor(
      async () => {
        await rig.execute(['VACUUM (FREEZE, PROCESS_TOAST false) toast_follows, toast_on_its_own']);
        const toasts = (await rig.run(wraparound, onePercent)).findings.filter(({ object }) =>
          object.name.startsWith('toast_'),
        );
        expect(toasts.map(({ object, evidence }) => [object.name, evidence['heap']])).toEqual([
          ['toast_follows', 'toast'],
          ['toast_strict', 'toast'],
        ]);
      },
      { timeout: 20_000 },
    );

    // Nothing of this is hidden from anybody.
    await rig.sql(`CREATE ROLE ${nobody} LOGIN PASSWORD 'postgres'`);
    try {
      // Databases of other tests come and go between two looks.
      await vi.waitFor(
        async () => {
          const seen = await rig.run(wraparound, onePercent, { as: nobody });
          const all = await rig.run(wraparound, onePercent);
          expect({ ...seen, figures: {} }).toMatchObject({ unknown: [], checked: all.checked });
          expect(namesOf(seen)).toEqual(namesOf(all));
        },
        { timeout: 20_000 },
      );
    } finally {
      await rig.sql(`DROP ROLE ${nobody}`);
    }
  });

  it('judges every database, also one that allows no connections, and says what holds it back', async () => {
    const flags = [
      'autovacuum_freeze_max_age=100000',
      'vacuum_failsafe_age=0',
      'max_prepared_transactions=2',
      'wal_level=logical',
    ];
    const server = await startPostgres(major, { flags });
    onTestFinished(() => server.stop());
    await using rig = await openCheckRig({ url: server.url, drop: async () => undefined });
    await rig.execute(['CREATE DATABASE closed', 'CREATE TABLE held (n int)', 'INSERT INTO held VALUES (1)']);
    // Keeps the catalogues of all databases from being frozen: autovacuum starts on its own once a database is late.
    await rig.sql(`SELECT pg_create_logical_replication_slot('orphan', 'test_decoding')`);
    await prepare(server.url, 'UPDATE held SET n = 2', 'ours');
    await prepare(withDatabase(server.url, 'closed'), 'CREATE TABLE written (n int)', 'theirs');
    await rig.execute(['ALTER DATABASE closed ALLOW_CONNECTIONS false', useXids(101_000)]);

    const late = await rig.run(wraparound);
    const fingerprints = late.findings.map(({ fingerprint }) => fingerprint);
    expect(fingerprints).toEqual(
      expect.arrayContaining(['database:closed', 'database:postgres', 'database:template0', 'table:public.held']),
    );
    expect(late.findings.every(({ severity, action }) => severity === 'warning' && action === null)).toBe(true);
    expect(late.findings.find(({ object }) => object.name === 'closed')?.evidence).toMatchObject({
      allows_connections: false,
      limit: 100_000,
      failsafe_age: 105_000,
      held_back_by: expect.arrayContaining([
        expect.objectContaining({ kind: 'replication_slot', name: 'orphan', catalogues_only: true }),
        expect.objectContaining({ kind: 'prepared_transaction', name: 'theirs', database: 'closed' }),
      ]),
    });
    expect(late.findings.find(({ object }) => object.name === 'held')?.evidence['held_back_by']).toEqual([
      expect.objectContaining({ kind: 'prepared_transaction', name: 'ours', database: 'postgres' }),
    ]);

    await rig.execute([useXids(6000)]);
    const now = new Date(Date.now() + 3_600_000);
    const urgent = await rig.run(wraparound, {}, { now });
    expect(urgent.findings.find(({ object }) => object.name === 'closed')).toMatchObject({ severity: 'critical' });
    expect(urgent.figures).toMatchObject({ xids_per_hour: expect.any(Number), hours_until_stop: expect.any(Number) });
    expect(urgent.figures['xids_per_hour']).toBeGreaterThan(5000);
  });
});

/** Leaves a transaction that wrote something prepared. */
async function prepare(url: string, write: string, gid: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of ['BEGIN', write, `PREPARE TRANSACTION '${gid}'`]) await client.query(statement);
  await client.end();
}

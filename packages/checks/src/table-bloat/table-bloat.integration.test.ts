import type { CheckReport } from '@slacktide/domain';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor, templateDatabase } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { vacuumAway } from '../../../../test/support/vacuum.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { tableBloat } from './index.ts';

const fixture = `
CREATE SCHEMA tools; CREATE EXTENSION pgstattuple SCHEMA tools;
CREATE SCHEMA "od""d";

-- All rows at the end of the file are dead: VACUUM gives their pages back. Never analyzed: an estimate has nothing to go by.
CREATE TABLE ended (id int, t text);
INSERT INTO ended SELECT g, md5(g::text) FROM generate_series(1, 3000) g;
DELETE FROM ended WHERE id > 1000;
CREATE TABLE "od""d"."we""ird; --" (id int, t text);
INSERT INTO "od""d"."we""ird; --" SELECT g, md5(g::text) FROM generate_series(1, 3000) g;
DELETE FROM "od""d"."we""ird; --" WHERE id > 1000;

-- Dead rows everywhere: VACUUM makes them free space.
CREATE TABLE scattered (id int, t text);
INSERT INTO scattered SELECT g, md5(g::text) FROM generate_series(1, 3000) g;
DELETE FROM scattered WHERE id % 10 > 2;

CREATE TABLE spacious (id int, t text);
INSERT INTO spacious SELECT g, md5(g::text) FROM generate_series(1, 3000) g;
DELETE FROM spacious WHERE id % 10 > 2;

-- Half empty on purpose, and half empty because only one row fits into a page.
CREATE TABLE half_full (id int, t text) WITH (fillfactor = 50);
INSERT INTO half_full SELECT g, md5(g::text) FROM generate_series(1, 3000) g;
CREATE TABLE wide (id int, t char(4100)); ALTER TABLE wide ALTER t SET STORAGE PLAIN;
INSERT INTO wide SELECT g, 'x' FROM generate_series(1, 40) g;
CREATE TABLE wide_spacious (id int, t char(4100)); ALTER TABLE wide_spacious ALTER t SET STORAGE PLAIN;
INSERT INTO wide_spacious SELECT g, 'x' FROM generate_series(1, 60) g;
DELETE FROM wide_spacious WHERE id % 3 > 0 AND id < 60;

CREATE TABLE texts (id int, t text); ALTER TABLE texts ALTER t SET STORAGE EXTERNAL;
INSERT INTO texts SELECT g, repeat('x', 2500) FROM generate_series(1, 200) g;
DELETE FROM texts WHERE id % 10 > 2;
CREATE TABLE dead_texts (id int, t text); ALTER TABLE dead_texts ALTER t SET STORAGE EXTERNAL;
INSERT INTO dead_texts SELECT g, repeat('x', 2500) FROM generate_series(1, 200) g;
DELETE FROM dead_texts WHERE id > 50;

CREATE TABLE parted (id int, k int, t text) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (1) TO (2);
INSERT INTO parted SELECT g, g % 2, md5(g::text) FROM generate_series(1, 6000) g;
DELETE FROM parted WHERE k = 1 AND id > 2000;

CREATE TABLE base AS SELECT g AS id, md5(g::text) AS t FROM generate_series(1, 3000) g;
CREATE MATERIALIZED VIEW view AS SELECT * FROM base;
CREATE UNIQUE INDEX ON view (id);
DELETE FROM base WHERE id > 1000;
REFRESH MATERIALIZED VIEW CONCURRENTLY view;
CREATE TABLE tiny AS SELECT 1 AS id;
`;

const vacuumedBefore = ['spacious', 'half_full', 'wide', 'wide_spacious', 'texts', 'parted_1', 'base'];

/** Small enough for a fixture to be made quickly. */
const config = { min_size_mb: 0.05 };

async function openFixture(major: PostgresMajor): Promise<CheckRig> {
  const adminUrl = inject('targetUrls')[major];
  const template = await templateDatabase(adminUrl, 'table_bloat_fixture', async (url) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(fixture);
    for (const table of vacuumedBefore) await vacuumAway(client, table);
    await client.end();
  });
  return openCheckRig(await createDatabase(adminUrl, { template }));
}

/** A role for the test, with the password that the rig knows. */
async function roleOn(rig: CheckRig, major: PostgresMajor, definition = ''): Promise<string> {
  const { name } = await createRole(inject('targetUrls')[major], definition);
  await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'`);
  return name;
}

function found({ findings }: CheckReport): Record<string, string> {
  return Object.fromEntries(
    findings.map(({ fingerprint, severity, action }) => [fingerprint, `${severity}: ${action?.sql[0] ?? 'nothing'}`]),
  );
}

const vacuumed = {
  'table_dead_rows:"od""d"."we""ird; --"': 'warning: VACUUM "od""d"."we""ird; --"',
  'table_dead_rows:public.ended': 'warning: VACUUM public.ended',
  'table_dead_rows:public.parted_2': 'warning: VACUUM public.parted_2',
  'table_dead_rows:public.scattered': 'warning: VACUUM public.scattered',
  'table_dead_rows:public.view': 'warning: VACUUM public.view',
  'toast_dead_rows:public.dead_texts': expect.stringMatching(/^warning: VACUUM pg_toast\.pg_toast_\d+$/),
};
const left = {
  'table_free_space:public.spacious': 'info: nothing',
  'table_free_space:public.wide_spacious': 'info: nothing',
  'toast_free_space:public.texts': 'info: nothing',
};

describe.each(majors)('table_bloat on PostgreSQL %i', (major) => {
  it('finds dead rows and free space and nothing else, and VACUUM cures the dead rows', async () => {
    await using rig = await openFixture(major);
    const report = await rig.run(tableBloat, config);
    expect(found(report)).toEqual({ ...vacuumed, ...left });
    expect(report).toMatchObject({ skipped: [], unknown: [], unjudged: [], figures: { bloated: 9 } });
    const [spacious] = report.findings.filter(({ object }) => object.name === 'spacious');
    expect(spacious?.evidence).toMatchObject({
      dead_percent: 0,
      options: [{ how: 'nothing' }, { how: 'pg_repack or pg_squeeze', installed: [] }, { how: 'VACUUM FULL' }],
    });
    const [toast] = report.findings.filter(({ fingerprint }) => fingerprint === 'toast_dead_rows:public.dead_texts');
    expect(toast).toMatchObject({
      object: { kind: 'toast_table', schema: 'pg_toast' },
      evidence: { toast_of: 'public.dead_texts' },
    });

    for (const { action } of report.findings) await rig.execute(action?.sql ?? []);
    const after = await rig.run(tableBloat, config);
    expect(found(after)).toEqual({ ...left, 'table_free_space:public.scattered': 'info: nothing' });
    // What is all visible is not read. Which pages are, VACUUM may find out only when the commits of others have been written.
    await expect
      .poll(async () => {
        await rig.sql('VACUUM');
        return (await rig.run(tableBloat, config)).figures['bytes_read'];
      })
      .toBeLessThan(200_000);

    // By default small tables are left alone.
    expect(found(await rig.run(tableBloat))).toEqual({});
  });

  it('finds the same as pg_monitor, and knows what is missing otherwise', async () => {
    await using rig = await openFixture(major);
    const monitor = await roleOn(rig, major, 'IN ROLE pg_monitor');
    await rig.sql(`GRANT USAGE ON SCHEMA tools TO ${monitor}`);
    expect(found(await rig.run(tableBloat, config, { as: monitor }))).toEqual({ ...vacuumed, ...left });

    const nobody = await roleOn(rig, major);
    const blind = await rig.run(tableBloat, config, { as: nobody });
    expect(blind).toMatchObject({
      checked: 0,
      findings: [],
      unjudged: 'all',
      unknown: [{ reason: 'insufficient_privilege' }],
    });
    for (const grant of blind.unknown[0]?.grant?.split('; ') ?? []) await rig.sql(grant);
    expect(found(await rig.run(tableBloat, config, { as: nobody }))).toEqual({ ...vacuumed, ...left });

    await rig.sql('DROP EXTENSION pgstattuple');
    expect(await rig.run(tableBloat, config)).toMatchObject({
      unjudged: 'all',
      unknown: [{ reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' }],
    });
  });

  it('takes the rows of a load that has not committed for live', async () => {
    await using rig = await openFixture(major);
    const loader = await rig.connect();
    await loader.query(`BEGIN; INSERT INTO base SELECT g, md5(g::text) FROM generate_series(1, 20000) g`);
    await loader.query(`INSERT INTO texts SELECT g, repeat('x', 2500) FROM generate_series(1, 1000) g`);
    const during = await rig.run(tableBloat, config);
    expect(Object.keys(found(during)).filter((fingerprint) => /base|texts/.test(fingerprint))).toEqual([
      'toast_dead_rows:public.dead_texts',
    ]);
    // Telling them apart takes another look, and there is no budget for it.
    const cramped = await rig.run(tableBloat, { min_size_mb: 1, max_read_mb: 2 });
    expect(cramped.unknown).toContainEqual({ object: 'public.base', reason: 'rows_of_open_transactions', grant: null });
    await loader.query('ROLLBACK');
    expect(found(await rig.run(tableBloat, config))).toMatchObject({
      'table_dead_rows:public.base': 'warning: VACUUM public.base',
    });
  });

  it('proposes no VACUUM that would remove nothing, and names who keeps the rows', async () => {
    await using rig = await openFixture(major);
    const holder = await rig.connect({ applicationName: 'report' });
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM base');
    await rig.sql('DELETE FROM base');
    const before = await rig.run(tableBloat, config);
    const finding = ({ findings }: CheckReport) => findings.find(({ object }) => object.name === 'base');
    expect(finding(before)).toMatchObject({
      action: { sql: ['VACUUM public.base'] },
      evidence: { oldest_holder: { application_name: 'report' } },
    });
    await rig.sql('VACUUM base');
    await expect
      .poll(() => rig.sql(`SELECT FROM pg_stat_all_tables WHERE relname = 'base' AND last_vacuum IS NOT NULL`))
      .toHaveLength(1);
    expect(finding(await rig.run(tableBloat, config))).toMatchObject({
      action: null,
      evidence: { no_action_because: expect.stringContaining('session') },
    });
    await holder.query('ROLLBACK');
    await expect
      .poll(async () => {
        await rig.sql('VACUUM base');
        return finding(await rig.run(tableBloat, config));
      })
      .toBeUndefined();
  });

  it('never waits for a lock', async () => {
    await using rig = await openFixture(major);
    const [owner, reader, waiting] = await Promise.all([rig.connect(), rig.connect(), rig.connect()]);
    await owner.query('BEGIN; LOCK TABLE texts IN ACCESS EXCLUSIVE MODE');
    await reader.query('BEGIN; SELECT count(*) FROM scattered');
    const queued = waiting.query('BEGIN; LOCK TABLE scattered IN ACCESS EXCLUSIVE MODE; ROLLBACK');
    await expect
      .poll(() => rig.sql(`SELECT FROM pg_locks WHERE relation = 'scattered'::regclass AND NOT granted`))
      .toHaveLength(1);
    const report = await rig.run(tableBloat, config);
    expect(report.unknown).toEqual([
      { object: expect.stringMatching(/^pg_toast\.pg_toast_\d+$/), reason: 'locked', grant: null },
      { object: expect.stringMatching(/^pg_toast\.pg_toast_\d+$/), reason: 'locked', grant: null },
      { object: 'public.scattered', reason: 'locked', grant: null },
      { object: 'public.texts', reason: 'locked', grant: null },
    ]);
    expect(Object.keys(found(report))).toHaveLength(7);
    await reader.query('ROLLBACK');
    await queued;
  });

  it('reads no more than its budget, and everything in turn', async () => {
    await using rig = await openFixture(major);
    const seen = new Set<string>();
    for (let hour = 0; hour < 9 && seen.size < 9; hour += 1) {
      const now = new Date(Date.UTC(2026, 10, 30, hour));
      const report = await rig.run(tableBloat, { ...config, max_read_mb: 0.9 }, { now });
      expect(report.figures['bytes_read']).toBeLessThanOrEqual(0.9 * 1024 * 1024);
      expect(report.unjudged.length).toBeGreaterThan(0);
      for (const fingerprint of Object.keys(found(report))) seen.add(fingerprint);
    }
    expect(seen).toEqual(new Set(Object.keys({ ...vacuumed, ...left })));
    const tiny = { ...config, max_read_mb: 0.1 };
    expect((await rig.run(tableBloat, tiny)).unknown).toContainEqual({
      object: 'public.scattered',
      reason: 'larger_than_max_read_mb',
      grant: null,
    });
    const only = await rig.run(tableBloat, tiny, { only: 'public.scattered' });
    expect(Object.keys(found(only))).toEqual(['table_dead_rows:public.scattered']);
  });
});

import type { CheckReport } from '@slacktide/domain';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor, templateDatabase } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { vacuumAway } from '../../../../test/support/vacuum.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { indexBloat } from './index.ts';

/** Every table has been vacuumed since its rows were deleted. */
const fixture = `
CREATE SCHEMA tools; CREATE EXTENSION pgstattuple SCHEMA tools;
CREATE SCHEMA "od""d";

-- Fifty keys, deduplicated to a fifth of the size: by the columns' statistics it would have to be larger than it is.
CREATE TABLE repeated (id int, a int);
INSERT INTO repeated SELECT g, g % 50 FROM generate_series(1, 50000) g;
CREATE INDEX repeated_a ON repeated (a);
DELETE FROM repeated WHERE id / 50 % 10 < 6;

-- Nine tenths of the pages hold nothing, the others are full.
CREATE TABLE queue (id int);
INSERT INTO queue SELECT generate_series(1, 20000);
CREATE INDEX queue_id ON queue (id);
DELETE FROM queue WHERE id < 18000;

-- Full, fresh, and not what an estimate takes them for.
CREATE TABLE fresh (id int, n name, h text, wide text, mostly_null int);
INSERT INTO fresh SELECT g, 'n' || g, md5(g::text), repeat(md5(g::text), 40) || g, CASE WHEN g % 20 = 0 THEN g END FROM generate_series(1, 5000) g;
CREATE INDEX fresh_name ON fresh (n);
CREATE INDEX fresh_include ON fresh (id) INCLUDE (h);
CREATE INDEX fresh_expression ON fresh (lower(h));
CREATE INDEX fresh_null ON fresh (mostly_null);
CREATE INDEX fresh_half_full ON fresh (id) WITH (fillfactor = 50);
ANALYZE fresh;
CREATE INDEX fresh_hash ON fresh USING hash (h);
CREATE TABLE wide (t text); ALTER TABLE wide ALTER t SET STORAGE PLAIN;
INSERT INTO wide SELECT repeat(md5(g::text), 80) || g FROM generate_series(1, 400) g;
CREATE INDEX fresh_wide ON wide (t);

-- Random keys, one after the other: two thirds full, as it will be again.
CREATE TABLE random (h text);
CREATE INDEX random_h ON random (h);
INSERT INTO random SELECT md5(g::text) FROM generate_series(1, 10000) g;

CREATE TABLE parted (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (1) TO (2);
CREATE INDEX parted_id ON parted (id);
INSERT INTO parted SELECT g, g % 2 FROM generate_series(1, 20000) g;
DELETE FROM parted WHERE k = 1 AND id % 10 <> 1;

CREATE TABLE excluding (id int, EXCLUDE USING btree (id WITH =));
INSERT INTO excluding SELECT generate_series(1, 10000);
DELETE FROM excluding WHERE id % 10 > 0;

CREATE TABLE broken (id int);
INSERT INTO broken SELECT generate_series(1, 10000);
CREATE INDEX broken_id ON broken (id);
DELETE FROM broken WHERE id % 10 > 0;

CREATE TABLE "od""d"."ta'ble" (id int);
INSERT INTO "od""d"."ta'ble" SELECT generate_series(1, 10000);
CREATE INDEX "we""ird; --" ON "od""d"."ta'ble" (id);
DELETE FROM "od""d"."ta'ble" WHERE id % 10 > 0;

CREATE TABLE texts (id int, t text); ALTER TABLE texts ALTER t SET STORAGE EXTERNAL;
INSERT INTO texts SELECT g, repeat('x', 2100) FROM generate_series(1, 2000) g;
DELETE FROM texts WHERE id > 200;

CREATE TABLE hashed (id int, h text);
INSERT INTO hashed SELECT g, md5(g::text) FROM generate_series(1, 10000) g;
CREATE INDEX hashed_h ON hashed USING hash (h);
DELETE FROM hashed WHERE id > 1000;

CREATE TABLE shapes (id int, p point, tags int[]);
INSERT INTO shapes SELECT g, point(g, g), ARRAY[g] FROM generate_series(1, 100) g;
CREATE INDEX shapes_gist ON shapes USING gist (p);
CREATE INDEX shapes_brin ON shapes USING brin (id);
CREATE INDEX shapes_spgist ON shapes USING spgist (p);
CREATE INDEX shapes_gin ON shapes USING gin (tags);
`;

const vacuumed = [
  'repeated',
  'queue',
  'fresh',
  'wide',
  'random',
  'parted_1',
  'parted_2',
  'excluding',
  'broken',
  `"od""d"."ta'ble"`,
  'texts',
  'hashed',
  'shapes',
];

const afterwards = `
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken_id'::regclass;
INSERT INTO shapes SELECT g, NULL, ARRAY[g, g + 1, g + 2] FROM generate_series(1, 2000) g;
`;

/** Small enough for a fixture to be made quickly. */
const config = { min_size_mb: 0.05 };

async function openFixture(major: PostgresMajor): Promise<CheckRig> {
  const adminUrl = inject('targetUrls')[major];
  const template = await templateDatabase(adminUrl, 'index_bloat_fixture', async (url) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(fixture);
    for (const table of vacuumed) await vacuumAway(client, table);
    await client.query(`ANALYZE ${vacuumed.join(', ')}`);
    await client.query(afterwards);
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

/** Of users' tables: what initdb leaves of the catalogues' indexes is not the same on all majors. */
function found({ findings }: CheckReport): Record<string, string> {
  return Object.fromEntries(
    findings
      .filter(({ object }) => object.schema !== 'pg_catalog')
      .map(({ fingerprint, severity, action }) => [fingerprint, `${severity}: ${action?.sql[0] ?? 'nothing'}`]),
  );
}

const rebuilt = {
  'index:"od""d"."we""ird; --"': 'warning: REINDEX INDEX CONCURRENTLY "od""d"."we""ird; --"',
  'index:public.hashed_h': 'warning: REINDEX INDEX CONCURRENTLY public.hashed_h',
  'index:public.parted_2_id_idx': 'warning: REINDEX INDEX CONCURRENTLY public.parted_2_id_idx',
  'index:public.queue_id': 'warning: REINDEX INDEX CONCURRENTLY public.queue_id',
  'index:public.repeated_a': 'warning: REINDEX INDEX CONCURRENTLY public.repeated_a',
  'index:public.shapes_gin': `info: SELECT pg_catalog.gin_clean_pending_list('public.shapes_gin'::pg_catalog.regclass)`,
  'toast_index:public.texts': expect.stringMatching(
    /^warning: REINDEX INDEX CONCURRENTLY pg_toast\.pg_toast_\d+_index$/,
  ),
};
const left = { 'index:public.excluding_id_excl': 'warning: nothing', 'index:public.random_h': 'info: nothing' };

describe.each(majors)('index_bloat on PostgreSQL %i', (major) => {
  it('finds what is wasted and nothing else, and what it proposes cures it', async () => {
    await using rig = await openFixture(major);
    const report = await rig.run(indexBloat, config);
    expect(found(report)).toEqual({ ...rebuilt, ...left });
    const evidence = new Map(report.findings.map((finding) => [finding.fingerprint, finding.evidence]));
    // By the columns' statistics this index would have to be larger than it is.
    const [fresh] = await rig.sql<{ bytes: number; needed: number }>(`
      SELECT pg_relation_size('repeated_a')::float8 AS bytes, reltuples::float8 * (4 + 8 + 8) AS needed FROM pg_class WHERE relname = 'repeated_a'`);
    expect(evidence.get('index:public.repeated_a')).toMatchObject({
      waste_percent: expect.toSatisfy((waste) => waste > 55 && waste < 65),
    });
    expect(fresh?.needed).toBeGreaterThan(fresh?.bytes ?? 0);
    // Its leaves are as full as those of a fresh one.
    expect(evidence.get('index:public.queue_id')).toMatchObject({
      waste_percent: expect.toSatisfy((waste) => waste > 85),
      leaf_density_percent: expect.toSatisfy((density) => density > 80),
    });
    expect(evidence.get('index:public.parted_2_id_idx')).toMatchObject({ partition_of: 'public.parted_id' });
    expect(evidence.get('toast_index:public.texts')).toMatchObject({ toast_of: 'public.texts' });
    expect(evidence.get('index:public.excluding_id_excl')).toMatchObject({
      no_action_because: expect.stringContaining('exclusion'),
    });
    expect(evidence.get('index:public.random_h')).toMatchObject({
      no_action_because: expect.stringContaining('not last'),
    });
    expect(report.skipped).toEqual([
      { object: 'public.broken_id', reason: 'invalid_index' },
      { object: 'public.shapes_brin', reason: 'no_measure_for brin' },
      { object: 'public.shapes_gist', reason: 'no_measure_for gist' },
      { object: 'public.shapes_spgist', reason: 'no_measure_for spgist' },
    ]);
    expect(report).toMatchObject({
      unknown: [],
      unjudged: [],
      figures: { underutilized: 2, bytes_read: expect.any(Number) },
    });

    // By default small indexes are left alone.
    const byDefault = await rig.run(indexBloat);
    expect(found(byDefault)).toEqual({});
    expect(byDefault.checked).toBeGreaterThan(100);

    for (const { action } of report.findings) await rig.execute(action?.sql ?? []);
    const after = await rig.run(indexBloat, config);
    expect(found(after)).toEqual(left);
    expect(after.figures).toMatchObject({ underutilized: 0 });
  });

  it('finds the same as pg_monitor, and knows what is missing otherwise', async () => {
    await using rig = await openFixture(major);
    const monitor = await roleOn(rig, major, 'IN ROLE pg_monitor');
    await rig.sql(`GRANT USAGE ON SCHEMA tools TO ${monitor}`);
    expect(found(await rig.run(indexBloat, config, { as: monitor }))).toEqual({ ...rebuilt, ...left });

    const nobody = await roleOn(rig, major);
    const blind = await rig.run(indexBloat, config, { as: nobody });
    expect(blind).toMatchObject({
      checked: 0,
      findings: [],
      unjudged: 'all',
      unknown: [{ reason: 'insufficient_privilege' }],
    });
    for (const grant of blind.unknown[0]?.grant?.split('; ') ?? []) await rig.sql(grant);
    expect(found(await rig.run(indexBloat, config, { as: nobody }))).toEqual({ ...rebuilt, ...left });

    await rig.sql('DROP EXTENSION pgstattuple; CREATE EXTENSION pgstattuple SCHEMA tools VERSION "1.4"');
    expect(await rig.run(indexBloat, config)).toMatchObject({
      unjudged: 'all',
      unknown: [{ reason: 'pgstattuple_outdated', grant: 'ALTER EXTENSION pgstattuple UPDATE' }],
    });
    await rig.sql('DROP EXTENSION pgstattuple');
    expect(await rig.run(indexBloat, config)).toMatchObject({
      unjudged: 'all',
      unknown: [{ reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' }],
    });
  });

  it('never waits for a lock', async () => {
    await using rig = await openFixture(major);
    const [owner, reader, waiting, temporary] = await Promise.all([
      rig.connect(),
      rig.connect(),
      rig.connect(),
      rig.connect(),
    ]);
    await temporary.query(
      'CREATE TEMPORARY TABLE mine AS SELECT generate_series(1, 10000) AS id; CREATE INDEX mine_id ON mine (id)',
    );
    await owner.query('BEGIN; LOCK TABLE queue IN ACCESS EXCLUSIVE MODE');
    await reader.query('BEGIN; SELECT count(*) FROM repeated');
    const queued = waiting.query('BEGIN; LOCK TABLE repeated IN ACCESS EXCLUSIVE MODE; ROLLBACK');
    await expect
      .poll(() => rig.sql(`SELECT FROM pg_locks WHERE relation = 'repeated'::regclass AND NOT granted`))
      .toHaveLength(1);
    const report = await rig.run(indexBloat, config);
    expect(report.unknown).toEqual([
      { object: 'public.queue_id', reason: 'locked', grant: null },
      { object: 'public.repeated_a', reason: 'locked', grant: null },
    ]);
    expect(Object.keys(found(report))).toHaveLength(7);
    await reader.query('ROLLBACK');
    await queued;
  });

  it('reads no more than its budget, and everything in turn', async () => {
    await using rig = await openFixture(major);
    const budget = { ...config, max_read_mb: 3 };
    const seen = new Set<string>();
    for (let hour = 0; hour < 4; hour += 1) {
      const report = await rig.run(indexBloat, budget, { now: new Date(Date.UTC(2026, 10, 30, hour)) });
      expect(report.figures['bytes_read']).toBeLessThanOrEqual(3 * 1024 * 1024);
      expect(report.unjudged.length).toBeGreaterThan(0);
      for (const fingerprint of Object.keys(found(report))) seen.add(fingerprint);
    }
    expect(seen).toEqual(new Set(Object.keys({ ...rebuilt, ...left })));
    const tiny = await rig.run(indexBloat, { ...config, max_read_mb: 0.3 });
    expect(tiny.unknown).toContainEqual({ object: 'public.queue_id', reason: 'larger_than_max_read_mb', grant: null });
    const only = await rig.run(indexBloat, { ...config, max_read_mb: 0.3 }, { only: 'public.queue_id' });
    expect(found(only)).toMatchObject({ 'index:public.queue_id': expect.any(String) });
    expect(only.unjudged).toContain('public.repeated_a');
  });
});

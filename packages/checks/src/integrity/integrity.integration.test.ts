import type { CheckReport } from '@slacktide/domain';
import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor, templateDatabase } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { vacuumAway } from '../../../../test/support/vacuum.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { integrity } from './index.ts';

const fixture = `
CREATE SCHEMA tools; CREATE EXTENSION amcheck SCHEMA tools;
CREATE SCHEMA "od""d";
CREATE TABLE "od""d"."we""ird; --" (id int PRIMARY KEY, t text);
INSERT INTO "od""d"."we""ird; --" SELECT g, md5(g::text) FROM generate_series(1, 500) g;
CREATE INDEX "in""dex; --" ON "od""d"."we""ird; --" (t) INCLUDE (id);
CREATE TABLE many (id int, a int, u text UNIQUE, p point, n text COLLATE "und-x-icu");
INSERT INTO many SELECT g, g % 7, repeat(md5(g::text), 200) || g, point(g, g), 'n' || g FROM generate_series(1, 500) g;
ALTER TABLE many ALTER u SET STORAGE EXTERNAL;
INSERT INTO many SELECT g, NULL, md5(g::text) FROM generate_series(501, 600) g;
CREATE INDEX many_dedup ON many (a);
CREATE INDEX many_partial ON many (id DESC NULLS LAST) WHERE a > 3;
CREATE INDEX many_hash ON many USING hash (id);
CREATE INDEX many_gist ON many USING gist (p);
CREATE INDEX many_icu ON many (n);
CREATE TABLE parted (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1);
CREATE INDEX parted_id ON parted (id);
INSERT INTO parted SELECT g, 0 FROM generate_series(1, 100) g;
CREATE MATERIALIZED VIEW view AS SELECT * FROM parted;
CREATE UNIQUE INDEX view_id ON view (id);
CREATE UNLOGGED TABLE fast (id int PRIMARY KEY);
CREATE TABLE broken (id int PRIMARY KEY);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken_pkey'::regclass;
DELETE FROM many WHERE id % 3 = 0;

-- Finds its helper only by a search_path that amcheck does not have.
CREATE FUNCTION helper(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION keyed(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper($1); END';
CREATE TABLE careless (id int);
CREATE INDEX careless_keyed ON careless (keyed(id));
INSERT INTO careless VALUES (1), (2);
`;

/** Where relations are not what is looked at. */
const one = { max_relations: 1 };
const everything = { heapallindexed: true, checkunique: true, parent_check: true, heap_check: true };

async function openFixture(major: PostgresMajor): Promise<CheckRig> {
  const adminUrl = inject('targetUrls')[major];
  const template = await templateDatabase(adminUrl, 'integrity_fixture', async (url) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(fixture);
    await vacuumAway(client, 'many');
    await client.end();
  });
  return openCheckRig(await createDatabase(adminUrl, { template }));
}

/**
 * Without what a server without checksums, or an amcheck before 1.4, cannot tell, and without what all databases share: other tests write to it.
 */
function gaps({ unknown }: CheckReport): CheckReport['unknown'] {
  const expected = ['checksums_off', 'checkunique_needs_amcheck_1.4'];
  return unknown.filter(
    ({ object, reason }) =>
      !expected.includes(reason) && !(reason === 'locked' && /^pg_(catalog|toast)\./.test(object)),
  );
}

/** Relations that had no turn. */
function left({ unjudged }: CheckReport): readonly string[] {
  return unjudged === 'all' ? ['all'] : unjudged.filter((object) => object !== 'shared relations');
}

describe.each(majors)('integrity on PostgreSQL %i', (major) => {
  it('finds nothing on a sound cluster, whatever is switched on', async () => {
    await using rig = await openFixture(major);
    for (const config of [everything, { heapallindexed: true, checkunique: true }]) {
      const report = await rig.run(integrity, config);
      expect(report.findings).toEqual([]);
      // A check that fails is no corruption.
      expect(gaps(report)).toEqual([
        {
          object: 'public.careless_keyed',
          reason: expect.stringMatching(/^check_failed: .*helper.*42883/),
          grant: null,
        },
      ]);
      expect(report.skipped).toEqual([
        { object: 'public.many_hash', reason: 'no_check_for hash' },
        { object: 'public.many_gist', reason: 'no_check_for gist' },
        { object: 'public.broken_pkey', reason: 'invalid_index' },
      ]);
      expect(report.checked).toBeGreaterThan('heap_check' in config ? 200 : 130);
      expect(left(report).length > 0).toBe(!('heap_check' in config));
      // Only 18 has checksums by default, and amcheck knows unique keys from 17 on.
      expect(report.figures).toMatchObject({ checksums: major === 18 ? 'on' : 'off' });
      const reasons = report.unknown.map(({ reason }) => reason);
      expect(reasons.includes('checksums_off')).toBe(major < 18);
      expect(reasons.includes('checkunique_needs_amcheck_1.4')).toBe(major < 17);
    }
  });

  it('goes by the version of amcheck, not by that of the server', async () => {
    await using rig = await openFixture(major);
    await rig.sql('DROP EXTENSION amcheck; CREATE EXTENSION amcheck VERSION "1.3"');
    const report = await rig.run(integrity, { checkunique: true, max_relations: 20 });
    expect(report.findings).toEqual([]);
    expect(report.unknown).toContainEqual({
      object: 'amcheck',
      reason: 'checkunique_needs_amcheck_1.4',
      grant: major >= 17 ? 'ALTER EXTENSION amcheck UPDATE' : null,
    });
    expect(report.figures).toMatchObject({ amcheck_version: '1.3', relations_corrupt: 0 });
    await rig.sql('DROP EXTENSION amcheck');
    const without = await rig.run(integrity);
    expect(without.unknown).toContainEqual({
      object: 'amcheck',
      reason: 'amcheck_missing',
      grant: 'CREATE EXTENSION amcheck',
    });
    expect(without.unjudged).toEqual(
      expect.arrayContaining(['pg_catalog.pg_class_oid_index', 'od"d.in"dex; --', 'public.many']),
    );
  });

  it('tells which GRANT is missing, and needs no more', async () => {
    await using rig = await openFixture(major);
    const { name } = await createRole(inject('targetUrls')[major], 'IN ROLE pg_monitor');
    await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'`);
    const some = { heap_check: true, max_relations: 60 };
    const blind = await rig.run(integrity, some, { as: name });
    expect(blind.findings).toEqual([]);
    expect(blind.figures).toMatchObject({ relations_verified: 0 });
    expect(blind.unjudged).toContain('public.many_dedup');
    const missing = gaps(blind);
    expect(missing).toHaveLength(2);
    for (const { reason, grant } of missing) {
      expect(reason).toBe('insufficient_privilege');
      for (const statement of grant?.split('; ') ?? []) await rig.sql(statement);
    }
    const seeing = await rig.run(integrity, some, { as: name });
    expect(seeing.findings).toEqual([]);
    expect(seeing.figures).toMatchObject({ relations_verified: 60 });
    expect(gaps(seeing)).toEqual([]);
  });

  it('never waits for a lock', async () => {
    await using rig = await openFixture(major);
    const [owner, writer] = await Promise.all([rig.connect(), rig.connect()]);
    await owner.query('BEGIN; LOCK TABLE parted_1 IN ACCESS EXCLUSIVE MODE');
    await writer.query('BEGIN; INSERT INTO fast VALUES (1)');
    const report = await rig.run(integrity, { heap_check: true, max_relations: 1 });
    expect(gaps(report)).toEqual([
      { object: 'public.parted_1', reason: 'locked', grant: null },
      { object: 'public.parted_1_id_idx', reason: 'locked', grant: null },
    ]);
    // A SHARE lock would wait for whoever writes.
    const parents = await rig.run(integrity, { parent_check: true, max_relations: 1 });
    expect(gaps(parents).map(({ object }) => object)).toEqual(['public.parted_1_id_idx', 'public.fast_pkey']);
  });

  it('goes on where the last run ended', async () => {
    await using rig = await openFixture(major);
    const seen: number[] = [];
    for (let run = 0; run < 4; run += 1) {
      const report = await rig.run(integrity, { max_read_mb: 2 });
      expect(report.figures['bytes_read']).toBeLessThanOrEqual(2 * 1024 * 1024);
      seen.push(Number(report.figures['relations_verified']));
      if (run === 0) expect(report.unjudged).toContain('public.many_dedup');
    }
    const [all] = await rig.sql<{
      indexes: number;
    }>(`SELECT count(*)::int AS indexes FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE c.relkind = 'i' AND indisvalid AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree')`);
    expect(seen.reduce((sum, verified) => sum + verified, 0)).toBeGreaterThanOrEqual(all?.indexes ?? Number.NaN);
    const tiny = await rig.run(integrity, { max_read_mb: 0.01 });
    expect(tiny.unknown).toContainEqual({
      object: 'pg_catalog.pg_class_oid_index',
      reason: 'larger_than_max_read_mb',
      grant: null,
    });
    const only = await rig.run(integrity, { max_read_mb: 0.01 }, { only: 'pg_catalog.pg_class_oid_index' });
    expect(only.figures).toMatchObject({ relations_verified: 1 });
  });

  it('reports collations that changed beneath their indexes, and no others', async () => {
    await using rig = await openFixture(major);
    expect((await rig.run(integrity, one)).findings).toEqual([]);
    await rig.sql(`UPDATE pg_collation SET collversion = '1.old' WHERE collname IN ('und-x-icu', 'de-x-icu')`);
    const report = await rig.run(integrity, one);
    expect(report.findings).toMatchObject([
      {
        fingerprint: 'collation:pg_catalog."und-x-icu"',
        severity: 'warning',
        evidence: { recorded_version: '1.old', indexes: 1, first_indexes: ['public.many_icu'] },
        action: null,
      },
    ]);
    // A locale that the system no longer has. In 14 the name is too short to make one up.
    if (major === 14) return;
    await rig.sql(
      `UPDATE pg_collation SET ${major >= 17 ? 'colllocale' : 'colliculocale'} = repeat('x', 300) WHERE collname = 'und-x-icu'`,
    );
    expect(await rig.run(integrity, one)).toMatchObject({
      findings: [],
      unknown: expect.arrayContaining([
        {
          object: 'pg_catalog.und-x-icu',
          reason: expect.stringMatching(/^check_failed: could not open collator/),
          grant: null,
        },
      ]),
    });
  });

  it.runIf(major >= 15)('reports a default collation that changed', async () => {
    const adminUrl = inject('targetUrls')[major];
    await using admin = await openCheckRig({ url: adminUrl, drop: async () => undefined });
    const name = `icu_${Date.now()}`;
    await admin.sql(`CREATE DATABASE ${name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'`);
    const url = new URL(adminUrl);
    url.pathname = `/${name}`;
    await using rig = await openCheckRig({
      url: url.href,
      drop: async () => void (await admin.sql(`DROP DATABASE ${name} WITH (FORCE)`)),
    });
    await rig.sql('CREATE EXTENSION amcheck; CREATE TABLE t (v text PRIMARY KEY)');
    expect((await rig.run(integrity, one)).findings).toEqual([]);
    await rig.sql(`UPDATE pg_database SET datcollversion = '1.old' WHERE datname = current_database()`);
    expect((await rig.run(integrity, one)).findings).toMatchObject([
      {
        fingerprint: `default_collation:${name} default collation`,
        evidence: { recorded_version: '1.old', first_indexes: expect.arrayContaining(['public.t_pkey']) },
        action: null,
      },
    ]);
  });
});

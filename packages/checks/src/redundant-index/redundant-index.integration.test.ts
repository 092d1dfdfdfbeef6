import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { redundantIndex } from './index.ts';

/** One table a case: what is redundant, and what other tools take for it. */
const fixture = `
CREATE TABLE chain (a int, b int, c int);
CREATE INDEX chain_a ON chain (a);
CREATE INDEX chain_ab ON chain (a, b);
CREATE INDEX chain_abc ON chain (a, b, c);
CREATE INDEX chain_ba ON chain (b, a);
CREATE INDEX chain_c ON chain (c) WITH (fillfactor = 70);
CREATE INDEX chain_ca ON chain (c, a);
CREATE INDEX chain_cab ON chain USING btree (c, a, b);

-- Key columns count, those of INCLUDE do not; what is returned may come from either.
CREATE TABLE included (a int, b int, c int, d int);
CREATE INDEX included_b ON included (b);
CREATE INDEX included_a_b ON included (a) INCLUDE (b);
CREATE INDEX included_ad_b ON included (a, d) INCLUDE (b, c);
CREATE INDEX included_d_c ON included (d) INCLUDE (c);
CREATE INDEX included_dcb ON included (d, c, b);
CREATE INDEX included_c_d ON included (c) INCLUDE (d);
CREATE INDEX included_cb ON included (c, b);

CREATE TABLE partials (a int, b int, c int);
CREATE INDEX partials_a ON partials (a) WHERE b > 0;
CREATE INDEX partials_ab ON partials (a, b) WHERE b > 0;
CREATE INDEX partials_whole ON partials (a, c);
CREATE INDEX partials_other ON partials (a) WHERE b > 1;
CREATE INDEX partials_b ON partials (b);
CREATE INDEX partials_ba ON partials (b, a) WHERE c > 0;

CREATE TABLE expressions (a text, b text);
CREATE INDEX expressions_lower ON expressions (lower(a));
CREATE INDEX expressions_lower_b ON expressions (lower(a), b);
CREATE INDEX expressions_upper ON expressions (upper(a));
CREATE INDEX expressions_upper_of_b ON expressions (upper(b), a);
CREATE INDEX expressions_a ON expressions (a);

CREATE TABLE texts (a text, b text, d tsvector);
CREATE INDEX texts_c ON texts (a COLLATE "C");
CREATE INDEX texts_ab ON texts (a, b);
CREATE INDEX texts_pattern ON texts (a text_pattern_ops);
CREATE INDEX texts_hash ON texts USING hash (a);
CREATE INDEX texts_gin ON texts USING gin (d);
CREATE INDEX texts_gist ON texts USING gist (d tsvector_ops (siglen = 100));
CREATE INDEX texts_gist_short ON texts USING gist (d tsvector_ops (siglen = 60)) INCLUDE (a);

CREATE TABLE orders (a int, b int, c int, d int, e int);
CREATE INDEX orders_a_desc ON orders (a DESC);
CREATE INDEX orders_ab ON orders (a, b);
CREATE INDEX orders_b_nulls ON orders (b NULLS FIRST);
CREATE INDEX orders_bc ON orders (b, c);
CREATE INDEX orders_mixed ON orders (b, c DESC);
CREATE INDEX orders_c ON orders (c);
CREATE INDEX orders_c_desc ON orders (c DESC);
CREATE INDEX orders_de ON orders (d DESC, e);
CREATE INDEX orders_de_mirrored ON orders (d, e DESC, a);

CREATE TABLE uniques (a int PRIMARY KEY, b int, c int UNIQUE DEFERRABLE, d int);
CREATE INDEX uniques_a ON uniques (a);
CREATE INDEX uniques_c ON uniques (c);
CREATE UNIQUE INDEX uniques_b ON uniques (b);
CREATE INDEX uniques_bd ON uniques (b, d);
CREATE UNIQUE INDEX uniques_ab ON uniques (a, b);
CREATE INDEX uniques_d ON uniques (d);
CREATE UNIQUE INDEX uniques_da ON uniques (d, a);
CREATE TABLE identified (a int NOT NULL, b int);
CREATE UNIQUE INDEX identified_a ON identified (a);
CREATE INDEX identified_ab ON identified (a, b);
ALTER TABLE identified REPLICA IDENTITY USING INDEX identified_a;
CREATE TABLE clustered (a int, b int);
CREATE INDEX clustered_a ON clustered (a);
CREATE INDEX clustered_ab ON clustered (a, b);
ALTER TABLE clustered CLUSTER ON clustered_a;

CREATE TABLE excluded (a int, b int, r int4range, CONSTRAINT excluded_a EXCLUDE (a WITH =), CONSTRAINT excluded_r EXCLUDE USING gist (r WITH &&));
CREATE INDEX excluded_ab ON excluded (a, b);
CREATE INDEX excluded_r_plain ON excluded USING gist (r);
CREATE INDEX excluded_r_b ON excluded USING gist (r) INCLUDE (b);

CREATE TABLE methods (a int, b int, p point, d tsvector, e tsvector);
CREATE INDEX methods_hash ON methods USING hash (a);
CREATE INDEX methods_ab ON methods (a, b);
CREATE INDEX methods_p ON methods USING gist (p);
CREATE INDEX methods_p_a ON methods USING gist (p) INCLUDE (a);
CREATE INDEX methods_d ON methods USING gin (d);
CREATE INDEX methods_de ON methods USING gin (d, e);
CREATE INDEX methods_brin ON methods USING brin (a);
CREATE INDEX methods_brin_fine ON methods USING brin (a) WITH (pages_per_range = 16);

-- The second of each pair is the business of duplicate_index, and no cover here.
CREATE TABLE doubles (a int, b int);
CREATE INDEX doubles_a ON doubles (a);
CREATE INDEX doubles_a_again ON doubles (a);
CREATE INDEX doubles_ab ON doubles (a, b);
CREATE INDEX doubles_ab_again ON doubles (a, b);

CREATE TABLE leftover (a int, b int);
CREATE INDEX leftover_a ON leftover (a);
CREATE INDEX leftover_ab_ccnew ON leftover (a, b);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'leftover_ab_ccnew'::regclass;

CREATE TABLE parted (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (a);
CREATE TABLE parted_1_leaf PARTITION OF parted_1 FOR VALUES FROM (0) TO (5);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE INDEX parted_b ON parted (b);
CREATE INDEX parted_ba ON parted (b, a);
CREATE INDEX parted_ab ON parted (a, b);
CREATE INDEX parted_2_own ON parted_2 (a);

CREATE SCHEMA "odd ""schema";
CREATE TABLE "odd ""schema"."ta""ble" ("we""ird; --" int, b int);
CREATE INDEX "we""ird; --" ON "odd ""schema"."ta""ble" ("we""ird; --");
CREATE INDEX "we""ird; -- 2" ON "odd ""schema"."ta""ble" ("we""ird; --", b);
`;

/** Index to drop: the one that stays. */
const droppable = {
  'public.chain_a': 'public.chain_abc',
  'public.chain_ab': 'public.chain_abc',
  'public.chain_c': 'public.chain_cab',
  'public.chain_ca': 'public.chain_cab',
  'public.included_a_b': 'public.included_ad_b',
  'public.included_d_c': 'public.included_dcb',
  'public.partials_a': 'public.partials_ab',
  'public.expressions_lower': 'public.expressions_lower_b',
  'public.uniques_a': 'public.uniques_pkey',
  'public.uniques_c': 'public.uniques_c_key',
  'public.uniques_d': 'public.uniques_da',
  'public.excluded_r_plain': 'public.excluded_r',
  'public.methods_p': 'public.methods_p_a',
  'public.doubles_a': 'public.doubles_ab',
  'public.parted_b': 'public.parted_ba',
  'public.parted_2_own': 'public.parted_2_a_b_idx',
  'odd "schema.we"ird; --': 'odd "schema.we"ird; -- 2',
};
const mirrored = {
  'public.orders_a_desc': 'public.orders_ab',
  'public.orders_c_desc': 'public.orders_c',
  'public.orders_de': 'public.orders_de_mirrored',
};
const protectedOnes = { 'public.clustered_a': 'public.clustered_ab' };

const partedNames = ['parted', 'parted_1', 'parted_1_leaf', 'parted_2'];
/** The rollback of a partitioned index makes and attaches its parts. */
const mayName = () => [...partedNames, ...partedNames.map((name) => `${name}_b_idx`)].map((name) => `public.${name}`);

async function definitions(rig: CheckRig): Promise<Record<string, unknown>[]> {
  return rig.sql(`SELECT n.nspname, c.relname, pg_get_indexdef(c.oid) AS definition, i.indisvalid,
  (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid) AS parent
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' ORDER BY n.nspname, c.relname`);
}

describe.each(majors)('redundant_index on PostgreSQL %i', (major) => {
  it('finds whose work another does, and drops nothing else', async () => {
    const role = await createRole(inject('targetUrls')[major]);
    const monitor = await createRole(inject('targetUrls')[major], 'IN ROLE pg_monitor');
    const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    onTestFinished(() => rig[Symbol.asyncDispose]());
    await rig.sql(fixture);
    // The index answers the same whether it lets one NULL in or many; unique, it is never redundant.
    if (major >= 15) {
      await rig.sql(`CREATE TABLE nulls (a int, b int); CREATE UNIQUE INDEX nulls_a ON nulls (a) NULLS NOT DISTINCT;
CREATE INDEX nulls_ab ON nulls (a, b); CREATE INDEX nulls_a_plain ON nulls (a)`);
    }
    const nulls = major >= 15 ? { 'public.nulls_a_plain': 'public.nulls_a' } : {};
    const report = await rig.run(redundantIndex, {}, { mayName });
    const found = Object.fromEntries(
      report.findings.map(({ fingerprint, evidence }) => [
        fingerprint.replace('index:', ''),
        evidence['covering_index'],
      ]),
    );
    expect(found).toEqual({ ...droppable, ...mirrored, ...protectedOnes, ...nulls });
    expect(report).toMatchObject({ skipped: [{ object: 'public.leftover_ab_ccnew', reason: 'invalid' }], unknown: [] });

    const of = (name: string) => report.findings.find(({ fingerprint }) => fingerprint === `index:${name}`);
    for (const [name, covering] of Object.entries(droppable)) {
      expect(of(name)).toMatchObject({
        severity: 'warning',
        evidence: { confidence: 'high' },
        action: { class: 'never_retry' },
      });
      expect(of(name)?.summary).toContain(`drop ${name}; ${covering} stays`);
    }
    for (const name of Object.keys(mirrored)) {
      expect(of(name)).toMatchObject({ severity: 'info', evidence: { confidence: 'lower', order: 'mirrored_order' } });
      expect(of(name)?.summary).toContain('read backwards');
    }
    expect(of('public.clustered_a')).toMatchObject({
      severity: 'info',
      evidence: { no_action_because: 'CLUSTER orders clustered by clustered_a' },
      action: null,
    });
    expect(of('public.parted_b')?.action).toMatchObject({
      sql: ['DROP INDEX public.parted_b'],
      lockMode: 'ACCESS EXCLUSIVE',
    });
    expect(of('odd "schema.we"ird; --')?.action).toEqual({
      sql: ['DROP INDEX CONCURRENTLY "odd ""schema"."we""ird; --"'],
      rollbackSql: ['CREATE INDEX CONCURRENTLY "we""ird; --" ON "odd ""schema"."ta""ble" USING btree ("we""ird; --")'],
      lockMode: 'SHARE UPDATE EXCLUSIVE',
      class: 'never_retry',
    });
    for (const as of [role.name, monitor.name]) {
      await rig.sql(`ALTER ROLE ${as} PASSWORD 'postgres'`);
      expect(await rig.run(redundantIndex, {}, { as, mayName })).toEqual(report);
    }

    const before = await definitions(rig);
    await rig.execute(report.findings.flatMap(({ action }) => action?.sql ?? []));
    const after = await rig.run(redundantIndex, {}, { mayName });
    expect(after.findings.map(({ object }) => object.name)).toEqual(['clustered_a', 'doubles_a_again']);
    await rig.execute(report.findings.flatMap(({ action }) => action?.rollbackSql ?? []));
    expect(await definitions(rig)).toEqual(before);
  });

  it('says when the narrow index would be missed, and leaves small ones out', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(`CREATE TABLE t AS SELECT g AS a, md5(g::text) AS b FROM generate_series(1, 5000) g;
CREATE INDEX t_a ON t (a); CREATE INDEX t_ab ON t (a, b)`);
    const report = await rig.run(redundantIndex);
    expect(report).toMatchObject({ findings: [{ evidence: { narrowness_lost: expect.any(String) } }] });
    expect(report.findings[0]?.evidence['size_ratio']).toBeGreaterThan(2);
    expect(await rig.run(redundantIndex, { min_size_mb: 1 })).toMatchObject({
      checked: 1,
      findings: [],
      skipped: [{ object: 'public.t_a', reason: 'smaller than min_size_mb' }],
    });
    const holder = await rig.connect();
    await holder.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    expect(await rig.run(redundantIndex)).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [
        { object: 'public.t_a', reason: 'locked' },
        { object: 'public.t_ab', reason: 'locked' },
      ],
    });
  });
});

import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { duplicateIndex } from './index.ts';

/** One table a case: what is a duplicate, and what other tools take for one. */
const fixture = `
CREATE TABLE plain (a int, b text);
CREATE INDEX plain_old ON plain (a, b);
CREATE INDEX plain_new ON plain (a, b);
CREATE INDEX plain_newest ON plain (a, b) WITH (fillfactor = 70);
COMMENT ON INDEX plain_new IS 'it''s "kept"';

-- The names of the indexes are those of their columns: text in which the name is replaced is the same for both.
CREATE TABLE named (a int, b int);
CREATE INDEX a ON named (a);
CREATE INDEX b ON named (b);

CREATE TABLE included (a int, b int, c int);
CREATE INDEX included_bc ON included (a) INCLUDE (b, c);
CREATE INDEX included_cb ON included (a) INCLUDE (c, b);
CREATE INDEX included_b ON included (a) INCLUDE (b);
CREATE INDEX included_key ON included (a, b) INCLUDE (c);

CREATE TABLE expressions (a text, b text);
CREATE INDEX expressions_old ON expressions (lower(a), (b || 'x')) WHERE b IS NOT NULL;
CREATE INDEX expressions_new ON expressions   (lower( a ), ((b||'x'))) WHERE ((b IS NOT NULL));
CREATE INDEX expressions_other ON expressions (lower(b), (b || 'x')) WHERE b IS NOT NULL;
CREATE INDEX expressions_predicate ON expressions (lower(a), (b || 'x')) WHERE a IS NOT NULL;
CREATE INDEX expressions_all ON expressions (lower(a), (b || 'x'));

CREATE TABLE orders (a int, b int);
CREATE INDEX orders_asc ON orders (a, b);
CREATE INDEX orders_desc ON orders (a DESC, b DESC);
CREATE INDEX orders_mixed ON orders (a, b DESC);
CREATE INDEX orders_nulls ON orders (a NULLS FIRST, b NULLS FIRST);
CREATE INDEX orders_swapped ON orders (b, a);

CREATE TABLE texts (a text, v varchar, d tsvector);
CREATE INDEX texts_default ON texts (a);
CREATE INDEX texts_c ON texts (a COLLATE "C");
CREATE INDEX texts_pattern ON texts (a text_pattern_ops);
CREATE INDEX texts_hash ON texts USING hash (a);
CREATE INDEX texts_v ON texts (v);
CREATE INDEX texts_varchar ON texts (v varchar_ops);
CREATE INDEX texts_signature ON texts USING gist (d tsvector_ops (siglen = 100));
CREATE INDEX texts_short ON texts USING gist (d tsvector_ops (siglen = 60));
CREATE INDEX texts_gin ON texts USING gin (d);
CREATE INDEX texts_gin_on ON texts USING gin (d) WITH (fastupdate = true);
CREATE INDEX texts_gin_off ON texts USING gin (d) WITH (fastupdate = false);
CREATE INDEX texts_brin ON texts USING brin (a);
CREATE INDEX texts_brin_fine ON texts USING brin (a) WITH (pages_per_range = 16);

CREATE TABLE uniques (a int NOT NULL, b int, CONSTRAINT uniques_pkey PRIMARY KEY (a), CONSTRAINT uniques_late UNIQUE (a) DEFERRABLE);
ALTER TABLE uniques ADD CONSTRAINT uniques_key UNIQUE (a);
CREATE UNIQUE INDEX uniques_index ON uniques (a);
CREATE INDEX uniques_plain ON uniques (a);
CREATE UNIQUE INDEX uniques_b ON uniques (b) WHERE b > 0;
CREATE UNIQUE INDEX uniques_b_again ON uniques (b) WHERE b > 0;

CREATE TABLE referred (a int NOT NULL);
CREATE UNIQUE INDEX referred_free ON referred (a);
CREATE UNIQUE INDEX referred_target ON referred (a);
DROP INDEX referred_free;
CREATE TABLE referring (a int REFERENCES referred (a));
CREATE UNIQUE INDEX referred_free ON referred (a);

CREATE TABLE identified (a int NOT NULL);
CREATE UNIQUE INDEX identified_old ON identified (a);
CREATE UNIQUE INDEX identified_identity ON identified (a);
ALTER TABLE identified REPLICA IDENTITY USING INDEX identified_identity;
CREATE TABLE clustered (a int NOT NULL, UNIQUE (a));
CREATE UNIQUE INDEX clustered_order ON clustered (a);
ALTER TABLE clustered CLUSTER ON clustered_order;

CREATE TABLE excluded (r int4range, CONSTRAINT excluded_overlap EXCLUDE USING gist (r WITH &&),
  CONSTRAINT excluded_equal EXCLUDE USING gist (r WITH =));
ALTER TABLE excluded ADD CONSTRAINT excluded_again EXCLUDE USING gist (r WITH &&);
CREATE INDEX excluded_plain ON excluded USING gist (r);

CREATE TABLE leftover (a int);
CREATE INDEX leftover_a ON leftover (a);
CREATE INDEX leftover_a_ccnew ON leftover (a);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'leftover_a_ccnew'::regclass;
CREATE TABLE honest (a int);
CREATE INDEX honest_a ON honest (a);
CREATE INDEX honest_a_ccnew ON honest (a);

CREATE TABLE parted (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (a);
CREATE TABLE parted_1_leaf PARTITION OF parted_1 FOR VALUES FROM (0) TO (5);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE INDEX parted_old ON parted (b);
CREATE INDEX parted_new ON parted (b);
CREATE INDEX parted_2_own ON parted_2 (b);

CREATE MATERIALIZED VIEW matview AS SELECT 1 AS a;
CREATE UNIQUE INDEX matview_old ON matview (a);
CREATE UNIQUE INDEX matview_new ON matview (a);

CREATE EXTENSION pg_trgm;
CREATE TABLE extensions (a int);
CREATE INDEX extensions_old ON extensions (a);
CREATE INDEX extensions_new ON extensions (a);
ALTER EXTENSION pg_trgm ADD TABLE extensions;

CREATE SCHEMA "odd ""schema";
CREATE TABLE "odd ""schema"."ta""ble" ("we""ird; --" int);
CREATE INDEX "we""ird; --" ON "odd ""schema"."ta""ble" ("we""ird; --");
CREATE INDEX "we""ird; -- 2" ON "odd ""schema"."ta""ble" ("we""ird; --");
`;

/** Index to drop: the one that stays. */
const droppable = {
  'public.plain_new': 'public.plain_old',
  'public.plain_newest': 'public.plain_old',
  'public.included_cb': 'public.included_bc',
  'public.expressions_new': 'public.expressions_old',
  'public.texts_varchar': 'public.texts_v',
  'public.texts_gin_on': 'public.texts_gin',
  'public.uniques_index': 'public.uniques_pkey',
  'public.uniques_b_again': 'public.uniques_b',
  'public.referred_free': 'public.referred_target',
  'public.identified_old': 'public.identified_identity',
  'public.honest_a_ccnew': 'public.honest_a',
  'public.parted_new': 'public.parted_old',
  'public.parted_2_own': 'public.parted_2_b_idx',
  'public.matview_new': 'public.matview_old',
  'odd "schema.we"ird; -- 2': 'odd "schema.we"ird; --',
};
const protectedOnes = {
  'public.uniques_key': 'public.uniques_pkey',
  'public.clustered_order': 'public.clustered_a_key',
  'public.excluded_again': 'public.excluded_overlap',
};

const partedNames = ['parted', 'parted_1', 'parted_1_leaf', 'parted_2'];
/** The rollback of a partitioned index makes and attaches its parts. */
const mayName = () =>
  [...partedNames, ...partedNames.flatMap((name) => [`${name}_b_idx`, `${name}_b_idx1`])].map(
    (name) => `public.${name}`,
  );

async function definitions(rig: CheckRig): Promise<Record<string, unknown>[]> {
  return rig.sql(`SELECT n.nspname, c.relname, pg_get_indexdef(c.oid) AS definition, i.indisvalid, obj_description(c.oid, 'pg_class') AS comment,
  (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid) AS parent
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' ORDER BY n.nspname, c.relname`);
}

describe.each(majors)('duplicate_index on PostgreSQL %i', (major) => {
  it('finds what does exactly the same, and drops nothing else', async () => {
    const role = await createRole(inject('targetUrls')[major]);
    const monitor = await createRole(inject('targetUrls')[major], 'IN ROLE pg_monitor');
    const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    onTestFinished(() => rig[Symbol.asyncDispose]());
    await rig.sql(fixture);
    if (major >= 15) {
      await rig.sql(`CREATE TABLE nulls (a int);
CREATE UNIQUE INDEX nulls_distinct ON nulls (a); CREATE UNIQUE INDEX nulls_equal ON nulls (a) NULLS NOT DISTINCT`);
    }
    const report = await rig.run(duplicateIndex, {}, { mayName });
    const found = Object.fromEntries(
      report.findings.map(({ fingerprint, evidence }) => [fingerprint.replace('index:', ''), evidence['kept_index']]),
    );
    expect(found).toEqual({ ...droppable, ...protectedOnes });
    expect(report).toMatchObject({ skipped: [{ object: 'public.leftover_a_ccnew', reason: 'invalid' }], unknown: [] });

    const of = (name: string) => report.findings.find(({ fingerprint }) => fingerprint === `index:${name}`);
    for (const [name, kept] of Object.entries(droppable)) {
      expect(of(name)).toMatchObject({ severity: 'warning', action: { class: 'never_retry' } });
      expect(of(name)?.summary).toContain(`drop ${name}; ${kept} stays`);
    }
    for (const name of Object.keys(protectedOnes)) {
      expect(of(name)).toMatchObject({ severity: 'info', action: null });
      expect(of(name)?.summary).toMatch(/both are protected .* no drop is proposed/);
    }
    expect(of('public.uniques_key')?.evidence).toMatchObject({
      no_action_because: 'uniques_key backs constraint uniques_key',
      kept_because: 'uniques_pkey backs constraint uniques_pkey',
    });
    expect(of('public.parted_2_own')?.evidence['kept_because']).toMatch(/attached/);
    expect(of('public.parted_new')?.action).toMatchObject({
      sql: ['DROP INDEX public.parted_new'],
      lockMode: 'ACCESS EXCLUSIVE',
    });
    expect(of('odd "schema.we"ird; -- 2')?.action).toMatchObject({
      sql: ['DROP INDEX CONCURRENTLY "odd ""schema"."we""ird; -- 2"'],
      lockMode: 'SHARE UPDATE EXCLUSIVE',
    });

    for (const as of [role.name, monitor.name]) {
      await rig.sql(`ALTER ROLE ${as} PASSWORD 'postgres'`);
      expect(await rig.run(duplicateIndex, {}, { as, mayName })).toEqual(report);
    }

    const before = await definitions(rig);
    await rig.execute(report.findings.flatMap(({ action }) => action?.sql ?? []));
    const after = await rig.run(duplicateIndex, {}, { mayName });
    expect(after.findings.map(({ fingerprint }) => fingerprint).toSorted()).toEqual(
      Object.keys(protectedOnes)
        .map((name) => `index:${name}`)
        .toSorted(),
    );
    await rig.execute(report.findings.flatMap(({ action }) => action?.rollbackSql ?? []));
    expect(await definitions(rig)).toEqual(before);
  });

  it('keeps the one that is scanned more', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(
      `CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 1000) g; CREATE INDEX t_old ON t (a); ANALYZE t`,
    );
    await rig.sql(`SET enable_seqscan = off; SELECT count(*) FROM t WHERE a = 1`);
    await rig.sql(`CREATE INDEX t_new ON t (a) WITH (fillfactor = 100)`);
    await expect
      .poll(() => rig.run(duplicateIndex))
      .toMatchObject({
        findings: [{ object: { name: 't_new' }, evidence: { kept_because: 't_old is scanned more', scans: 0 } }],
      });
    await rig.sql(`DROP INDEX t_old; CREATE INDEX t_wide ON t (a) WITH (fillfactor = 20)`);
    const report = await rig.run(duplicateIndex);
    expect(report).toMatchObject({
      findings: [{ object: { name: 't_wide' }, evidence: { kept_index: 'public.t_new' } }],
    });
    expect(await rig.run(duplicateIndex, { min_size_mb: 1 })).toMatchObject({
      checked: 1,
      findings: [],
      skipped: [{ object: 'public.t_wide', reason: 'smaller than min_size_mb' }],
    });
  });

  it('does not wait for locks', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(`CREATE TABLE t (a int); CREATE INDEX t_1 ON t (a); CREATE INDEX t_2 ON t (a);
CREATE TABLE p (a int) PARTITION BY LIST (a); CREATE TABLE p_1 PARTITION OF p DEFAULT; CREATE INDEX p_1_x ON p (a); CREATE INDEX p_2_x ON p (a)`);
    const holder = await rig.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE t, p_1 IN ACCESS EXCLUSIVE MODE');
    const unknown = ['p_1_x', 'p_2_x', 't_1', 't_2'].map((name) => ({
      object: `public.${name}`,
      reason: 'locked',
      grant: null,
    }));
    expect(await rig.run(duplicateIndex)).toMatchObject({ checked: 0, unknown, findings: [] });
    await holder.query('ROLLBACK');
    await holder.query('BEGIN');
    await holder.query('REINDEX INDEX t_1');
    expect(await rig.run(duplicateIndex, {}, { mayName: () => ['public.p_1', 'public.p_1_a_idx1'] })).toMatchObject({
      unknown: unknown.slice(2),
      findings: [{ object: { name: 'p_2_x' } }],
    });
  });
});

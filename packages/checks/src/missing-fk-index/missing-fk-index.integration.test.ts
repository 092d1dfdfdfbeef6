import type { CheckReport, FoundFinding } from '@slacktide/domain';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { missingFkIndex } from './index.ts';

/** Foreign keys are named after what is expected of them: `ok_…` is covered, `bad_…` is not, `part_…` in part. */
const fixture = `
CREATE TABLE p (id int PRIMARY KEY, v numeric UNIQUE, t text COLLATE "C" UNIQUE, big int8 UNIQUE, d date);
CREATE TABLE pp (a int, b int, c int, PRIMARY KEY (a, b), UNIQUE (a, b, c));
CREATE TABLE c (
  plain int CONSTRAINT bad_plain REFERENCES p, btree int CONSTRAINT ok_btree REFERENCES p, hash int CONSTRAINT ok_hash REFERENCES p,
  lead int CONSTRAINT ok_leading REFERENCES p, behind int CONSTRAINT bad_behind REFERENCES p,
  included int CONSTRAINT bad_included REFERENCES p, brin int CONSTRAINT bad_brin REFERENCES p, gin int CONSTRAINT bad_gin REFERENCES p,
  gist int CONSTRAINT part_gist REFERENCES p, expr int CONSTRAINT bad_expr REFERENCES p,
  present int CONSTRAINT ok_not_null REFERENCES p, positive int CONSTRAINT bad_partial REFERENCES p,
  other_null int CONSTRAINT bad_other_null REFERENCES p, invalid int CONSTRAINT bad_invalid REFERENCES p,
  wider int8 CONSTRAINT ok_cross_type REFERENCES p (big), narrow int4 CONSTRAINT ok_narrow REFERENCES p (big),
  cast_it int CONSTRAINT bad_cast REFERENCES p (v),
  t text COLLATE "C" CONSTRAINT ok_text REFERENCES p (t), pattern text COLLATE "C" CONSTRAINT ok_pattern REFERENCES p (t),
  varying varchar(9) COLLATE "C" CONSTRAINT ok_varchar REFERENCES p (t), collated text COLLATE "C" CONSTRAINT bad_collation REFERENCES p (t),
  domain_id pos CONSTRAINT ok_domain REFERENCES p, domain_bad pos CONSTRAINT bad_domain REFERENCES p,
  a1 int, b1 int, a2 int, b2 int, c2 int, a3 int, b3 int, a4 int, b4 int, a5 int, b5 int, a6 int, b6 int, not_valid int,
  CONSTRAINT ok_any_order FOREIGN KEY (a1, b1) REFERENCES pp, CONSTRAINT part_two FOREIGN KEY (a2, b2, c2) REFERENCES pp (a, b, c),
  CONSTRAINT part_order FOREIGN KEY (a3, b3) REFERENCES pp, CONSTRAINT ok_nulls FOREIGN KEY (a4, b4) REFERENCES pp,
  CONSTRAINT bad_only_included FOREIGN KEY (a5, b5) REFERENCES pp, CONSTRAINT part_hash FOREIGN KEY (a6, b6) REFERENCES pp);
ALTER TABLE c ADD CONSTRAINT bad_not_valid FOREIGN KEY (not_valid) REFERENCES p NOT VALID;
CREATE INDEX ON c (btree); CREATE INDEX ON c USING hash (hash); CREATE INDEX ON c (lead, plain); CREATE INDEX ON c (hash, behind);
CREATE INDEX ON c (hash) INCLUDE (included); CREATE INDEX ON c USING brin (brin); CREATE INDEX ON c USING gin (gin);
CREATE INDEX ON c USING gist (gist); CREATE INDEX ON c ((expr + 0)); CREATE INDEX ON c (present) WHERE present IS NOT NULL;
CREATE INDEX ON c (positive) WHERE positive > 0; CREATE INDEX ON c (other_null) WHERE btree IS NOT NULL;
CREATE INDEX c_invalid ON c (invalid); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'c_invalid'::regclass;
CREATE INDEX ON c (wider); CREATE INDEX ON c (narrow); CREATE INDEX ON c (cast_it); CREATE INDEX ON c (t);
CREATE INDEX ON c (pattern text_pattern_ops); CREATE INDEX ON c (varying); CREATE INDEX ON c (collated COLLATE "POSIX");
CREATE INDEX ON c (domain_id);
CREATE UNIQUE INDEX ON c (b1, a1) INCLUDE (plain); CREATE INDEX ON c (b2, a2, plain); CREATE INDEX ON c (a3 DESC, plain, b3);
CREATE INDEX ON c (a4 DESC, b4) WHERE a4 IS NOT NULL AND (b4 IS NOT NULL AND a4 IS NOT NULL);
CREATE INDEX ON c (plain) INCLUDE (a5, b5) WHERE plain > 0; CREATE INDEX ON c USING hash (b6);
-- Two foreign keys on the same columns; one on a single column that a longer one has too.
CREATE TABLE twins (x int, y int, CONSTRAINT bad_twin_1 FOREIGN KEY (x, y) REFERENCES pp, CONSTRAINT bad_twin_2 FOREIGN KEY (y, x) REFERENCES pp);
CREATE TABLE tree (id int PRIMARY KEY, up int CONSTRAINT bad_self REFERENCES tree);
-- Inheritance: foreign keys are not inherited, and look at the one table only.
CREATE TABLE base (f int CONSTRAINT ok_base REFERENCES p); CREATE INDEX ON base (f);
CREATE TABLE heir (CONSTRAINT bad_heir FOREIGN KEY (f) REFERENCES p) INHERITS (base);
-- Partitions: of the referenced table, of the referencing one, below one another, with their columns in another order.
CREATE TABLE rp (k int PRIMARY KEY) PARTITION BY RANGE (k); CREATE TABLE rp1 PARTITION OF rp FOR VALUES FROM (0) TO (10);
CREATE TABLE rp2 PARTITION OF rp FOR VALUES FROM (10) TO (20);
CREATE TABLE rc (k int CONSTRAINT bad_to_partitions REFERENCES rp);
CREATE TABLE pt (k int, f int CONSTRAINT bad_tree REFERENCES p, g int CONSTRAINT ok_tree_parent REFERENCES p,
  h int CONSTRAINT ok_tree_leaves REFERENCES p, i int CONSTRAINT bad_one_leaf REFERENCES p, j int CONSTRAINT bad_incomplete REFERENCES p) PARTITION BY RANGE (k);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
CREATE TABLE pt2 PARTITION OF pt FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (k);
CREATE TABLE "pt2'a" (i int, h int, drop_me int, g int, f int, k int, j int); ALTER TABLE "pt2'a" DROP drop_me;
ALTER TABLE pt2 ATTACH PARTITION "pt2'a" FOR VALUES FROM (10) TO (20);
CREATE INDEX ON pt (g); CREATE INDEX ON pt1 (h); CREATE INDEX ON "pt2'a" (h, k); CREATE INDEX ON pt1 (i);
CREATE INDEX pt_j ON ONLY pt (j); CREATE INDEX pt1_j ON pt1 (j); ALTER INDEX pt_j ATTACH PARTITION pt1_j;
CREATE TABLE empty_tree (k int, f int CONSTRAINT bad_empty REFERENCES p) PARTITION BY RANGE (k);
-- Names: hostile, 63 bytes long with characters of several, taken, or wanted by two.
CREATE SCHEMA "o'dd ""s";
CREATE TABLE "o'dd ""s"."we""ird; --" ("a; b" int CONSTRAINT "bad_""odd; --" REFERENCES p);
CREATE TABLE "${'é'.repeat(31)}" ("${'ü'.repeat(31)}" int CONSTRAINT bad_long REFERENCES p);
CREATE TABLE taken (f int CONSTRAINT bad_taken REFERENCES p); CREATE TABLE taken_f_idx (); CREATE TABLE taken_f_idx1 ();
CREATE TABLE a_b (c int CONSTRAINT bad_same_name_1 REFERENCES p); CREATE TABLE a (b_c int CONSTRAINT bad_same_name_2 REFERENCES p);
-- None of ours.
CREATE TEMP TABLE mine (id int PRIMARY KEY); CREATE TEMP TABLE my (f int CONSTRAINT bad_temporary REFERENCES mine);
`;
const since18 = `
CREATE TABLE tp (id int, d daterange, PRIMARY KEY (id, d WITHOUT OVERLAPS));
CREATE TABLE tc (id int, d daterange, CONSTRAINT ok_period FOREIGN KEY (id, PERIOD d) REFERENCES tp (id, PERIOD d));
CREATE TABLE tn (id int, d daterange, CONSTRAINT part_period FOREIGN KEY (id, PERIOD d) REFERENCES tp (id, PERIOD d));
CREATE INDEX ON tc USING gist (d, id); CREATE INDEX ON tn (id, d);
CREATE TABLE ne (f int CONSTRAINT bad_not_enforced REFERENCES p NOT ENFORCED);
`;

async function setup(major: (typeof majors)[number]): Promise<CheckRig> {
  const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql('CREATE EXTENSION btree_gist; CREATE EXTENSION btree_gin; CREATE DOMAIN pos AS int CHECK (VALUE > 0)');
  await rig.sql(fixture);
  if (major >= 18) await rig.sql(since18);
  return rig;
}

const partitions = ['pt', 'pt1', 'pt2', "pt2'a"];

/** The indexes a proposal makes, by their names, and the partitions it makes them in. */
function mayName({ object, evidence }: FoundFinding): string[] {
  const tables = object.table === 'pt' ? partitions : [object.table ?? ''];
  const columns = evidence['columns'] as string[];
  const names = tables.flatMap((table) =>
    [columns, columns.toReversed()].flatMap((order) => {
      const base = cutToBytes([table, ...order].join('_'), 54);
      return [table, ...['', 1, 2].map((number) => `${base}_idx${number}`)];
    }),
  );
  return names.map((name) => `${object.schema}.${name}`);
}

function cutToBytes(text: string, bytes: number): string {
  return Buffer.byteLength(text) <= bytes ? text : cutToBytes([...text].slice(0, -1).join(''), bytes);
}

const names = ({ findings }: CheckReport): string[] => findings.map(({ object }) => object.name).toSorted();
const finding = ({ findings }: CheckReport, name: string): FoundFinding => {
  const found = findings.find(({ object }) => object.name === name);
  if (found === undefined) throw new Error(`expected a finding about ${name}`);
  return found;
};

const nearMisses = ({ findings }: CheckReport): Record<string, unknown> =>
  Object.fromEntries(
    findings.map(({ object, evidence }) => {
      const [miss] = evidence['indexes_that_do_not_cover'] as { why: string }[];
      return [object.name, miss?.why];
    }),
  );

/** Every index there is, as the server prints it. */
const definitions = async (rig: CheckRig): Promise<unknown[]> =>
  rig.sql(`SELECT pg_get_indexdef(indexrelid) AS definition, indisvalid FROM pg_index
    WHERE indexrelid >= 16384 ORDER BY pg_get_indexdef(indexrelid)`);

/** What the server itself can look up, by the queries that its triggers run; and nothing else may be called covered. */
async function expectPlannerToAgree(rig: CheckRig): Promise<void> {
  const session = await rig.connect();
  await session.query('SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan');
  const { rows } = await session.query(
    `
    SELECT con.conname AS name, string_agg(format('$%s OPERATOR(pg_catalog.=) x.%I', n, a.attname), ' AND ' ORDER BY n) AS condition,
      string_agg(format('%I.%I', tn.nspname, t.typname), ', ' ORDER BY n) AS types, string_agg('NULL', ', ') AS nulls, count(*)::int AS columns
    FROM pg_constraint con CROSS JOIN LATERAL unnest(con.conkey, con.conpfeqop) WITH ORDINALITY AS k (attnum, op, n)
    JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.attnum
    JOIN pg_operator o ON o.oid = k.op JOIN pg_type t ON t.oid = o.oprleft JOIN pg_namespace tn ON tn.oid = t.typnamespace
    WHERE con.contype = 'f' AND con.conrelid = 'c'::regclass AND con.conname !~ $1 GROUP BY con.oid`,
    ['^part|brin|gin$|plain|behind'],
  );
  for (const { name, condition, types, nulls, columns } of rows) {
    await session.query(`PREPARE look (${types}) AS SELECT 1 FROM ONLY c x WHERE ${condition} FOR KEY SHARE OF x`);
    const plan = JSON.stringify((await session.query(`EXPLAIN (FORMAT JSON) EXECUTE look (${nulls})`)).rows);
    await session.query('DEALLOCATE look');
    const lookedUp = /"Index Cond":"([^"]*)"/.exec(plan)?.[1]?.match(/\$\d+/g)?.length ?? 0;
    // A column that does not lead is looked for in the whole index: those are left out above.
    expect([name, lookedUp === columns]).toEqual([name, name.startsWith('ok_')]);
  }
  expect(rows.length).toBeGreaterThan(20);
}

describe.each(majors)('missing_fk_index on PostgreSQL %i', (major) => {
  it('finds what no index covers, cures it, and takes it back', async () => {
    await using rig = await setup(major);
    await expectPlannerToAgree(rig);
    const before = await definitions(rig);
    const declared = await rig.sql<{ name: string }>(
      `SELECT conname::text AS name FROM pg_constraint WHERE contype = 'f' AND conparentid = 0`,
    );
    const report = await rig.run(missingFkIndex, { min_rows: 0 }, { mayName });
    expect(names(report)).toEqual(declared.flatMap(({ name }) => (name.startsWith('ok_') ? [] : [name])).toSorted());
    expect(report).toMatchObject({ checked: declared.length, skipped: [], unknown: [] });
    expect(report.figures).toMatchObject({ count: report.findings.length, foreign_keys: declared.length });
    expect(report.figures['suggestions']).toHaveLength(5);
    for (const { object, evidence, severity } of report.findings) {
      expect([object.name, evidence['cover']]).toEqual([
        object.name,
        object.name.startsWith('part_') ? 'partial' : 'none',
      ]);
      expect(severity).toBe('info');
    }
    expect(finding(report, 'bad_cast')).toMatchObject({
      action: null,
      evidence: { no_action_because: expect.stringMatching(/^cast_it must be cast/) },
    });
    expect(finding(report, 'bad_twin_1').evidence).toMatchObject({ same_columns_as: ['bad_twin_2'] });
    expect(finding(report, 'bad_twin_2').action).toEqual(finding(report, 'bad_twin_1').action);
    expect(finding(report, 'bad_self').evidence).toMatchObject({ self_referencing: true });
    expect(finding(report, 'bad_tree').action?.lockMode).toBe('SHARE');
    expect(finding(report, 'bad_tree').evidence).toMatchObject({ partitions: 2, partitions_without_index: 2 });
    expect(finding(report, 'bad_incomplete').evidence).toMatchObject({
      first_partitions_without_index: ["public.pt2'a"],
    });
    expect(nearMisses(report)).toMatchObject({
      bad_brin: 'access method',
      bad_collation: 'other collation',
      bad_invalid: 'not valid',
      bad_partial: 'partial',
      bad_behind: 'columns do not lead',
      part_two: 'only the leading columns',
    });

    const cures = report.findings.filter(({ object, action }) => action !== null && object.name !== 'bad_twin_2');
    await rig.execute(cures.flatMap(({ action }) => action?.sql ?? []));
    const cured = await rig.run(missingFkIndex, { min_rows: 0 }, { mayName });
    expect(names(cured)).toEqual(['bad_cast']);
    expect(
      await rig.sql(`SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid ORDER BY 1`),
    ).toEqual([{ name: 'c_invalid' }, { name: 'pt_j' }]);
    await rig.execute(cures.flatMap(({ action }) => action?.rollbackSql ?? []));
    expect(await definitions(rig)).toEqual(before);
    expect(await rig.run(missingFkIndex, { min_rows: 0 }, { mayName })).toEqual(report);
  });

  it('weighs rows and deletes, sees all without any right, and waits for no lock', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(`
      CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 2000);
      CREATE TABLE small (f int CONSTRAINT small_fk REFERENCES parent); INSERT INTO small SELECT generate_series(1, 999);
      CREATE TABLE big (f int CONSTRAINT big_fk REFERENCES parent ON DELETE CASCADE); INSERT INTO big SELECT generate_series(1, 1000);
      CREATE TABLE late (f int CONSTRAINT late_fk REFERENCES parent) WITH (autovacuum_enabled = off);
      CREATE TABLE covered (f int CONSTRAINT covered_fk REFERENCES parent); CREATE INDEX ON covered (f);
      ANALYZE; INSERT INTO late SELECT generate_series(1, 1000);`);
    const report = await rig.run(missingFkIndex, {}, { mayName });
    expect(names(report)).toEqual(['big_fk', 'late_fk']);
    expect(report).toMatchObject({
      checked: 3,
      skipped: [{ object: 'public.small_fk', reason: 'public.small has about 999 rows, fewer than 1000' }],
    });
    expect(finding(report, 'big_fk')).toMatchObject({
      fingerprint: 'constraint:public.big.big_fk',
      severity: 'warning',
      evidence: { rows: 1000, on_delete: 'CASCADE', referenced_deletes: 0, referenced_rows: 2000 },
      action: { lockMode: 'SHARE UPDATE EXCLUSIVE', class: 'compensable' },
    });
    await rig.sql('DELETE FROM parent WHERE id > 1500');
    await expect
      .poll(async () => finding(await rig.run(missingFkIndex, {}, { mayName }), 'late_fk').severity)
      .toBe('warning');
    expect(finding(await rig.run(missingFkIndex, { large_rows: 900 }, { mayName }), 'late_fk').severity).toBe(
      'critical',
    );

    for (const membership of ['IN ROLE pg_monitor', '']) {
      const { name } = await createRole(inject('targetUrls')[major], membership);
      await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'`);
      expect(names(await rig.run(missingFkIndex, {}, { as: name, mayName }))).toEqual(['big_fk', 'late_fk']);
    }

    await rig.sql('CREATE TABLE fresh (f int CONSTRAINT fresh_fk REFERENCES parent)');
    const holder = await rig.connect();
    await holder.query('BEGIN; LOCK big, fresh, covered');
    const locked = await rig.run(missingFkIndex, {}, { mayName });
    expect(names(locked)).toEqual(['big_fk', 'late_fk']);
    expect(locked.unknown).toEqual([{ object: 'public.fresh_fk', reason: 'locked', grant: null }]);
    expect(finding(locked, 'big_fk').evidence['size_bytes']).toBe(null);
  });
});

import type { CheckReport, FoundFinding } from '@slacktide/domain';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { invalidConstraint } from './index.ts';

const fixture = `
CREATE SCHEMA other;
CREATE FUNCTION other.is_even(n int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE TABLE p (id int PRIMARY KEY, t text COLLATE "C" UNIQUE); INSERT INTO p VALUES (1, 'a'), (2, 'b');
CREATE TABLE pp (a int, b int, PRIMARY KEY (a, b)); INSERT INTO pp VALUES (1, 1);
-- CHECK: clean, broken, nulls are no violation, in an heir, NO INHERIT, and what may not be run as our role.
CREATE TABLE c (id int, n int, t text, d date); INSERT INTO c VALUES (1, 1, 'x', now()), (2, NULL, 'y', now()), (3, -1, 'z', now());
ALTER TABLE c ADD CONSTRAINT c_clean CHECK (id > 0 AND t IN ('x', 'y', 'z') AND CASE WHEN id = 1 THEN n = 1 ELSE coalesce(length(t), 0) = 1 END) NOT VALID,
  ADD CONSTRAINT c_broken CHECK (n > 0) NOT VALID, ADD CONSTRAINT c_fails CHECK (1 / (id - 2) < 5) NOT VALID,
  ADD CONSTRAINT c_valid CHECK (id > 0), ADD CONSTRAINT c_stable CHECK (d::timestamptz <= now()) NOT VALID;
CREATE TABLE f (id int, q text); INSERT INTO f VALUES (1, 'SELECT 1');
ALTER TABLE f ADD CONSTRAINT f_function CHECK (other.is_even(id)) NOT VALID,
  ADD CONSTRAINT f_volatile CHECK (query_to_xml(q, true, true, '') IS NOT NULL) NOT VALID,
  ADD CONSTRAINT f_plain CHECK (id > 0) NOT VALID;
CREATE TABLE heirs (n int); CREATE TABLE heir () INHERITS (heirs); INSERT INTO heir VALUES (-1);
ALTER TABLE heirs ADD CONSTRAINT h_inherited CHECK (n > 0) NOT VALID, ADD CONSTRAINT h_own CHECK (n > 1) NO INHERIT NOT VALID;
-- Foreign keys: simple, full, self-referencing, with other collations and types, quoted names.
CREATE TABLE r (id int PRIMARY KEY, p int, a int, b int, up int, t text, wide int8); INSERT INTO r VALUES (1, 1, 1, 1, 1, 'a', 1), (2, 7, NULL, 9, 1, NULL, 9);
ALTER TABLE r ADD CONSTRAINT r_clean FOREIGN KEY (a, b) REFERENCES pp NOT VALID, ADD CONSTRAINT r_broken FOREIGN KEY (p) REFERENCES p NOT VALID,
  ADD CONSTRAINT r_full FOREIGN KEY (a, b) REFERENCES pp MATCH FULL NOT VALID, ADD CONSTRAINT r_self FOREIGN KEY (up) REFERENCES r NOT VALID,
  ADD CONSTRAINT r_collated FOREIGN KEY (t) REFERENCES p (t) NOT VALID, ADD CONSTRAINT r_wide FOREIGN KEY (wide) REFERENCES p NOT VALID;
-- Partitioned tables, and one constraint of a partition's own.
CREATE TABLE pt (k int, n int, p int) PARTITION BY RANGE (k); CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
INSERT INTO pt VALUES (1, -1, 5);
ALTER TABLE pt ADD CONSTRAINT pt_check CHECK (n > 0) NOT VALID; ALTER TABLE pt1 ADD CONSTRAINT pt1_own CHECK (n < 0) NOT VALID;
-- Domains: used by two tables and by another domain, unused, in a schema with a quote.
CREATE DOMAIN pos AS int; CREATE DOMAIN pos2 AS pos; CREATE DOMAIN unused AS int;
CREATE TABLE d1 (a pos, "VALUE" pos); CREATE TABLE d2 (b pos2); INSERT INTO d1 VALUES (-1, 1); INSERT INTO d2 VALUES (-2), (2);
ALTER DOMAIN pos ADD CONSTRAINT dom_broken CHECK (VALUE > 0) NOT VALID; ALTER DOMAIN pos ADD CONSTRAINT dom_clean CHECK (VALUE < 99 AND 'VALUE' <> 'x') NOT VALID;
ALTER DOMAIN unused ADD CONSTRAINT dom_unused CHECK (VALUE > 0) NOT VALID;
CREATE SCHEMA "o'dd ""s"; CREATE DOMAIN "o'dd ""s"."do""main; --" AS text; CREATE TABLE "o'dd ""s"."we""ird; --" ("a; b" "o'dd ""s"."do""main; --");
ALTER DOMAIN "o'dd ""s"."do""main; --" ADD CONSTRAINT "ch""eck; --" CHECK (VALUE <> 'it''s') NOT VALID;
ALTER TABLE "o'dd ""s"."we""ird; --" ADD CONSTRAINT "ta""ble; --" CHECK ("a; b" <> 'it''s') NOT VALID;
-- Tables that may not be read as our role: user code in an index; foreign ones.
CREATE FUNCTION other.twice(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 2 * n; END $$;
CREATE TABLE indexed (n int); CREATE INDEX ON indexed (other.twice(n)); ALTER TABLE indexed ADD CONSTRAINT i_plain CHECK (n > 0) NOT VALID;
CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE ft (n int) SERVER files OPTIONS (filename '/nowhere'); ALTER FOREIGN TABLE ft ADD CONSTRAINT ft_check CHECK (n > 0) NOT VALID;
-- Triggers of foreign keys, switched off: on either side, on one partition, for replication only; and those that somebody made.
CREATE TABLE o (p int CONSTRAINT o_referencing REFERENCES p); INSERT INTO o VALUES (1);
CREATE TABLE op (id int PRIMARY KEY); CREATE TABLE oc (p int CONSTRAINT o_referenced REFERENCES op);
INSERT INTO op VALUES (1); INSERT INTO oc VALUES (1); ALTER TABLE op DISABLE TRIGGER ALL; DELETE FROM op;
CREATE TABLE opt (k int, p int CONSTRAINT o_partition REFERENCES p) PARTITION BY RANGE (k); CREATE TABLE opt1 PARTITION OF opt FOR VALUES FROM (0) TO (10);
ALTER TABLE o DISABLE TRIGGER ALL; ALTER TABLE opt1 DISABLE TRIGGER ALL;
CREATE TABLE od (n int CONSTRAINT o_unique UNIQUE DEFERRABLE); ALTER TABLE od DISABLE TRIGGER ALL;
CREATE TABLE fine (p int CONSTRAINT fine_fk REFERENCES p);
`;
const since18 = `
CREATE TABLE n (a int, b int, f int, comp fine); INSERT INTO n VALUES (1, NULL, 5, ROW(NULL));
ALTER TABLE n ADD CONSTRAINT n_clean NOT NULL a NOT VALID; ALTER TABLE n ADD CONSTRAINT n_broken NOT NULL b NOT VALID; ALTER TABLE n ADD CONSTRAINT n_row NOT NULL comp NOT VALID;
ALTER TABLE n ADD CONSTRAINT n_not_enforced FOREIGN KEY (f) REFERENCES p NOT ENFORCED, ADD CONSTRAINT n_check_not_enforced CHECK (f < 0) NOT ENFORCED;
ALTER TABLE pt ADD CONSTRAINT pt_fk FOREIGN KEY (p) REFERENCES p NOT VALID;
`;

async function setup(major: (typeof majors)[number]): Promise<CheckRig> {
  const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(fixture);
  if (major >= 18) await rig.sql(since18);
  return rig;
}

const finding = ({ findings }: CheckReport, name: string): FoundFinding => {
  const found = findings.find(({ object }) => object.name === name);
  if (found === undefined) throw new Error(`expected a finding about ${name}`);
  return found;
};
const violators = ({ findings }: CheckReport): Record<string, unknown> =>
  Object.fromEntries(findings.map(({ object, evidence }) => [object.name, evidence['violators']]));

/** Rows that break each constraint; null = they may not be counted. */
const expected = {
  'ch"eck; --': 0,
  'ta"ble; --': 0,
  c_broken: 1,
  c_clean: 0,
  c_fails: null,
  c_stable: 0,
  f_function: null,
  f_plain: null,
  f_volatile: null,
  ft_check: null,
  h_inherited: 1,
  h_own: 0,
  i_plain: null,
  dom_broken: 2,
  dom_clean: 0,
  dom_unused: 0,
  pt_check: 1,
  pt1_own: 0,
  r_broken: 1,
  r_clean: 0,
  r_collated: 0,
  r_full: 1,
  r_self: 0,
  r_wide: 1,
  o_partition: 0,
  o_referenced: 1,
  o_referencing: 0,
  o_unique: null,
};
/** NOT NULL constraints and foreign keys of partitioned tables can be left unvalidated since 18. */
const expectedSince18 = { n_broken: 1, n_clean: 0, n_row: 0, pt_fk: 1 };

describe.each(majors)('invalid_constraint on PostgreSQL %i', (major) => {
  it('counts without the use of an index: none may look needed because of us', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(`
      CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int, parent_id int, amount int, body text); CREATE TABLE other (id int);
      INSERT INTO parent SELECT g FROM generate_series(1, 3000) g; INSERT INTO child SELECT g, g, g, repeat('x', 500) FROM generate_series(1, 1000) g;
      CREATE INDEX child_parent ON child (parent_id); CREATE INDEX child_both ON child (parent_id, amount); CREATE INDEX child_amount ON child (amount);
      CREATE INDEX other_id ON other (id); INSERT INTO other SELECT g FROM generate_series(1, 1000) g;
      ALTER TABLE child ADD CONSTRAINT child_parent_fk FOREIGN KEY (parent_id) REFERENCES parent NOT VALID, ADD CONSTRAINT child_amount CHECK (amount > 0) NOT VALID,
        ADD CONSTRAINT child_known CHECK (parent_id IS NOT NULL) NOT VALID, ADD CONSTRAINT child_itself CHECK (tableoid IS NOT NULL) NOT VALID`);
    // What the tables are after a night's maintenance: the planner then likes to read them by an index alone.
    await rig.execute(['VACUUM ANALYZE child', 'VACUUM ANALYZE parent', 'ANALYZE other', 'SELECT pg_stat_reset()']);
    const report = await rig.run(invalidConstraint);
    expect(violators(report)).toEqual({ child_parent_fk: 0, child_amount: 0, child_known: 0, child_itself: 0 });
    // Later scans than the check's are told of: so the check's are, too.
    await rig.sql('SET enable_seqscan = off; SELECT FROM other WHERE id = 1');
    const scans = (): Promise<object[]> =>
      rig.sql(
        `SELECT indexrelname::text AS index FROM pg_stat_user_indexes WHERE idx_scan > 0 AND indexrelname <> 'parent_pkey'`,
      );
    await expect.poll(scans).toEqual([{ index: 'other_id' }]);
  });

  it('finds what was never validated and what is not enforced, counts what breaks it, and validates what nothing breaks', async () => {
    await using rig = await setup(major);
    const report = await rig.run(invalidConstraint);
    expect(violators(report)).toEqual({ ...expected, ...(major >= 18 ? expectedSince18 : {}) });
    expect(report).toMatchObject({ skipped: [], unknown: [], unjudged: [], figures: { disabled: 4 } });
    expect(report.checked).toBeGreaterThan(report.findings.length);
    for (const { severity, evidence, action } of report.findings) {
      const broken = Number(evidence['violators']) > 0;
      expect(severity).toBe(broken ? 'critical' : 'warning');
      if (broken) expect(action).toBe(null);
      expect(evidence['no_action_because'] === undefined).toBe(action !== null);
    }
    for (const { object, evidence } of report.findings) {
      if (typeof evidence['violators'] !== 'number' || evidence['find_violators'] === undefined) continue;
      const rows = await rig.sql(String(evidence['find_violators']));
      expect([object.name, rows.length]).toEqual([object.name, evidence['violators']]);
    }
    expect(finding(report, 'c_clean')).toMatchObject({
      fingerprint: 'constraint:public.c.c_clean',
      object: { kind: 'constraint', schema: 'public', name: 'c_clean', table: 'c' },
      action: {
        sql: ['ALTER TABLE public.c VALIDATE CONSTRAINT c_clean'],
        rollbackSql: [],
        lockMode: 'SHARE UPDATE EXCLUSIVE',
        class: 'idempotent',
      },
    });
    expect(finding(report, 'dom_clean')).toMatchObject({
      fingerprint: 'domain_constraint:public.pos.dom_clean',
      object: { kind: 'domain_constraint', schema: 'public', name: 'dom_clean', table: null },
      action: { sql: ['ALTER DOMAIN public.pos VALIDATE CONSTRAINT dom_clean'], lockMode: 'SHARE' },
    });
    expect(finding(report, 'o_referenced')).toMatchObject({
      fingerprint: 'disabled_constraint:public.oc.o_referenced',
      evidence: { disabled_triggers: [{ table: 'public.op', side: 'action', mode: 'disabled', triggers: 2 }] },
    });
    expect(finding(report, 'o_partition').evidence).toMatchObject({
      disabled_triggers: [{ table: 'public.opt1', side: 'check' }],
    });

    const actions = report.findings.flatMap(({ action }) => (action === null ? [] : [action]));
    await rig.execute(actions.flatMap(({ sql }) => sql));
    for (const name of ['o_referencing', 'o_partition']) {
      await rig.execute(finding(report, name).evidence['statements_to_consider'] as string[]);
    }
    const after = await rig.run(invalidConstraint);
    const left = report.findings.filter(
      ({ object, action }) => action === null && !/^o_(referencing|partition)$/.test(object.name),
    );
    expect(after.findings.map(({ fingerprint }) => fingerprint)).toEqual(left.map(({ fingerprint }) => fingerprint));
    expect(after.checked).toBe(report.checked);
  });

  it('runs nothing that somebody defined, and reads no more than it may', async () => {
    await using rig = await setup(major);
    // Whoever calls it would be told: rig.run as the superuser did not fail either.
    const report = await rig.run(invalidConstraint, { count_budget_mb: 0 });
    expect(finding(report, 'f_function')).toMatchObject({
      action: null,
      evidence: {
        violators: null,
        not_counted_because: expect.stringMatching(/somebody defined/),
        statement_to_consider: 'ALTER TABLE public.f VALIDATE CONSTRAINT f_function',
      },
    });
    expect(finding(report, 'c_clean').evidence).toMatchObject({ not_counted_because: 'count_budget_mb is used up' });
    expect(finding(await rig.run(invalidConstraint, { count_limit: 0 }), 'c_broken')).toMatchObject({
      severity: 'warning',
      action: { sql: ['ALTER TABLE public.c VALIDATE CONSTRAINT c_broken'] },
    });
    expect(finding(await rig.run(invalidConstraint, { count_limit: 1 }), 'dom_broken').summary).toMatch(/at least 1/);

    const { name: monitor } = await createRole(inject('targetUrls')[major], 'IN ROLE pg_monitor');
    const { name: reader } = await createRole(inject('targetUrls')[major]);
    await rig.sql(`ALTER ROLE ${monitor} PASSWORD 'postgres'; ALTER ROLE ${reader} PASSWORD 'postgres'; GRANT SELECT ON c, r TO ${reader};
      CREATE POLICY own ON r USING (other.is_even(id)); ALTER TABLE r ENABLE ROW LEVEL SECURITY`);
    const unread = await rig.run(invalidConstraint, {}, { as: monitor });
    expect(unread.findings).toHaveLength(report.findings.length);
    expect(finding(unread, 'r_clean').evidence).toMatchObject({
      violators: null,
      not_counted_because: 'this role may not read the table',
      counting_needs: `GRANT SELECT ON TABLE public.pp TO ${monitor}; GRANT SELECT ON TABLE public.r TO ${monitor}`,
    });
    expect(finding(unread, 'ta"ble; --').evidence).toMatchObject({
      counting_needs: `GRANT USAGE ON SCHEMA "o'dd ""s" TO ${monitor}; GRANT SELECT ON TABLE "o'dd ""s"."we""ird; --" TO ${monitor}`,
    });
    const some = await rig.run(invalidConstraint, {}, { as: reader });
    expect(finding(some, 'c_broken')).toMatchObject({ severity: 'critical', evidence: { violators: 1 } });
    expect(finding(some, 'r_self').evidence).toMatchObject({
      not_counted_because: expect.stringMatching(/^row security/),
    });

    const holder = await rig.connect();
    await holder.query('BEGIN; LOCK c');
    expect(finding(await rig.run(invalidConstraint), 'c_broken')).toMatchObject({
      severity: 'warning',
      evidence: { violators: null, not_counted_because: 'locked' },
    });
  });
});

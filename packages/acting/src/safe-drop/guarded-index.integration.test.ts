import { describe, expect, it } from 'vitest';
import { majors } from '../../../../test/support/postgres.ts';
import { openDropRig } from '../../test/drop-rig.ts';
import { readRestorable } from './restore-statements.ts';

const fixture = `
CREATE TABLE t (id int PRIMARY KEY, u int, e int, f int, g int NOT NULL, h int, r tsrange, EXCLUDE USING gist (r WITH &&));
ALTER TABLE t ADD CONSTRAINT t_u_key UNIQUE (u);
CREATE UNIQUE INDEX t_h_unique ON t (h);
CREATE UNIQUE INDEX t_g_target ON t (g);
CREATE TABLE child (t_g int REFERENCES t (g), two int);
CREATE INDEX child_t_g ON child (t_g);
CREATE TABLE pair (t_g int REFERENCES t (g));
CREATE INDEX both_one ON pair (t_g);
CREATE INDEX both_two ON pair (t_g, (t_g + 1));
CREATE INDEX both_three ON pair (t_g, (t_g + 1));
CREATE TABLE identity (a int NOT NULL, b int);
CREATE UNIQUE INDEX identity_a ON identity (a);
ALTER TABLE identity REPLICA IDENTITY USING INDEX identity_a;
CREATE TABLE ordered (a int);
CREATE INDEX ordered_a ON ordered (a);
CLUSTER ordered USING ordered_a;
CREATE TABLE parted (a int) PARTITION BY LIST (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE INDEX parted_a ON parted (a);
CREATE TABLE expressed (a int, b text, c text);
CREATE INDEX expressed_lower ON expressed (lower(b));
CREATE INDEX expressed_upper ON expressed (upper(c));
CREATE STATISTICS expressed_upper_statistics ON upper(c) FROM expressed;
CREATE INDEX plain ON expressed (a)`;

/** Unique indexes may enforce; foreign keys refer to t_g_target; everything else says what it is. */
const expected = {
  t_pkey: 'primary_key',
  t_r_excl: 'exclusion_constraint',
  t_u_key: 'constraint',
  t_h_unique: 'unique',
  t_g_target: 'foreign_key_target',
  child_t_g: 'supports_foreign_key',
  both_one: undefined,
  both_two: undefined,
  identity_a: 'unique',
  ordered_a: 'clustered',
  parted_a: 'partitioned',
  parted_1_a_idx: 'attached_to_partitioned',
  expressed_lower: 'expression_statistics',
  expressed_upper: undefined,
  plain: undefined,
};

describe.each(majors)('a look before a drop on PostgreSQL %i', (major) => {
  it('guards what enforces, supports or informs something', async () => {
    const rig = await openDropRig(major, fixture);
    const names = Object.keys(expected).map((name) => `public.${name}`);
    const found = await rig.guarded(...names);
    expect(Object.fromEntries(found.map(({ name, guards }) => [name, guards[0]]))).toEqual(expected);
    const [identity] = await rig.guarded('public.identity_a');
    expect(identity?.guards).toContain('replica_identity');

    await rig.target.owner.query('INSERT INTO expressed VALUES (1), (1)');
    await rig.target.owner.query('CREATE UNIQUE INDEX CONCURRENTLY failed ON expressed (a)').catch(() => undefined);
    const others = await rig.guarded('public.failed', 'pg_catalog.pg_class_oid_index');
    expect(others.map(({ name, guards }) => [name, guards[0]])).toEqual([
      ['pg_class_oid_index', 'system'],
      ['failed', 'invalid'],
    ]);
    await rig.target.admin.query('ALTER EXTENSION pg_stat_statements ADD TABLE expressed');
    expect((await rig.guarded('public.plain'))[0]?.guards).toContain('extension');
    await rig.target.admin.query('ALTER EXTENSION pg_stat_statements DROP TABLE expressed');
  });

  it('wants the rights to bring it back as well', async () => {
    const rig = await openDropRig(major, 'CREATE TABLE t (a int); CREATE INDEX t_a ON t (a)');
    expect(await rig.guarded('public.t_a')).toMatchObject([{ permitted: true, grant: null }]);
    await rig.target.admin.query(`ALTER SCHEMA public OWNER TO postgres`);
    await rig.target.admin.query(`REVOKE CREATE ON SCHEMA public FROM PUBLIC, ${rig.target.role}`);
    const cure = `GRANT CREATE ON SCHEMA public TO ${rig.target.role}`;
    expect(await rig.guarded('public.t_a')).toMatchObject([{ permitted: false, grant: cure }]);
    expect((await rig.drop('public.t_a')).outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'insufficient_privilege', detail: { grant: cure } },
    });
    await rig.target.admin.query(cure);
    expect(await rig.guarded('public.t_a')).toMatchObject([{ permitted: true }]);
  });
});

const restored = `
CREATE SCHEMA "we""ird; --";
CREATE TABLE "we""ird; --"."it's" (a int, b text, "C d" numeric, e int[]);
CREATE INDEX "x""; --" ON "we""ird; --"."it's" (lower(b) COLLATE "C" text_pattern_ops DESC NULLS LAST, (a + 1)) INCLUDE ("C d") WITH (fillfactor = 70)
  WHERE b <> ' WHERE '' TABLESPACE x' AND a > 0;
ALTER INDEX "we""ird; --"."x""; --" ALTER COLUMN 1 SET STATISTICS 77;
ALTER INDEX "we""ird; --"."x""; --" ALTER COLUMN 2 SET STATISTICS 0;
COMMENT ON INDEX "we""ird; --"."x""; --" IS 'it''s "needed"; DROP TABLE x';
CREATE INDEX plain ON "we""ird; --"."it's" USING gin (e) WITH (fastupdate = off)`;

describe.each([14, 18] as const)('what brings an index back on PostgreSQL %i', (major) => {
  it('makes it again byte for byte, with comment, statistics targets and tablespace', async () => {
    const rig = await openDropRig(major, restored);
    const { owner } = rig.target;
    const definition = async (): Promise<unknown> => {
      const { rows } = await owner.query(
        `SELECT pg_get_indexdef(c.oid) AS definition, obj_description(c.oid) AS comment, c.reltablespace,
          (SELECT array_agg(attstattarget ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid) AS targets
         FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = $1::regclass ORDER BY 1`,
        [`"we""ird; --"."it's"`],
      );
      return rows;
    };
    const before = await definition();
    for (const quoted of [`"we""ird; --"."x""; --"`, `"we""ird; --".plain`]) {
      const there = await rig.gateway.read(rig.target.address, { applicationName: 'test' }, (reader) =>
        readRestorable(reader, quoted),
      );
      expect(there?.statements[0]).toMatch(/^CREATE INDEX CONCURRENTLY /);
      await owner.query(`DROP INDEX ${quoted}`);
      for (const statement of there?.statements ?? []) await owner.query(statement);
    }
    expect(await definition()).toEqual(before);
  });
});

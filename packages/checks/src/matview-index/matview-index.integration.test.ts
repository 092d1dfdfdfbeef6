import type { CheckReport, FoundFinding } from '@slacktide/domain';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { matviewIndex } from './index.ts';

/** Views named `ok_…` have an index that REFRESH … CONCURRENTLY can use, the others have none. */
const fixture = `
CREATE SCHEMA "o'dd ""s";
CREATE FUNCTION public.twice(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 2 * n; END $$;
CREATE TABLE t (id int PRIMARY KEY, grp int, amount numeric, note text, code text);
INSERT INTO t SELECT g, g % 7, g, 'n' || g % 50, 'c' || g FROM generate_series(1, 200) g;
CREATE MATERIALIZED VIEW ok_unique AS SELECT id, grp FROM t; CREATE UNIQUE INDEX ON ok_unique (id);
CREATE MATERIALIZED VIEW ok_included AS SELECT id, grp FROM t; CREATE UNIQUE INDEX ON ok_included (id) INCLUDE (grp);
CREATE MATERIALIZED VIEW ok_two AS SELECT id, grp FROM t; CREATE UNIQUE INDEX ON ok_two (grp DESC, id);
CREATE MATERIALIZED VIEW m_partial AS SELECT id, grp FROM t; CREATE UNIQUE INDEX ON m_partial (id) WHERE id > 0;
CREATE MATERIALIZED VIEW m_expression AS SELECT id, grp FROM t; CREATE UNIQUE INDEX ON m_expression ((id + 0));
CREATE MATERIALIZED VIEW m_invalid AS SELECT id, grp FROM t; CREATE UNIQUE INDEX m_invalid_id ON m_invalid (id);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'm_invalid_id'::regclass;
CREATE MATERIALIZED VIEW m_plain AS SELECT id, grp FROM t; CREATE INDEX ON m_plain (id);
-- Keys known from the table, from the query, from the rows alone; and sums that are distinct by chance.
CREATE MATERIALIZED VIEW m_table AS SELECT amount, note, t.id AS "a; b" FROM t;
CREATE MATERIALIZED VIEW m_group AS SELECT sum(amount) AS total, grp, note FROM t GROUP BY note, grp;
CREATE MATERIALIZED VIEW m_hidden AS SELECT sum(amount) AS total, note FROM t GROUP BY note, grp;
CREATE MATERIALIZED VIEW m_sets AS SELECT grp, note, sum(amount) AS total FROM t GROUP BY GROUPING SETS ((grp), (note));
CREATE MATERIALIZED VIEW m_distinct_on AS SELECT DISTINCT ON (grp) note, grp, id + 1 AS next FROM t ORDER BY grp, id;
CREATE MATERIALIZED VIEW m_distinct AS SELECT DISTINCT grp, note FROM t;
CREATE MATERIALIZED VIEW m_rows AS SELECT code FROM t;
CREATE MATERIALIZED VIEW m_few AS SELECT code FROM t WHERE id < 9;
CREATE MATERIALIZED VIEW m_joined AS SELECT a.id, b.grp FROM t a JOIN t b ON a.grp = b.grp;
CREATE MATERIALIZED VIEW m_sum AS SELECT amount + 0 AS total FROM t;
CREATE MATERIALIZED VIEW m_nulls AS SELECT b.code FROM t a LEFT JOIN t b ON b.id = a.id AND b.id < 150;
CREATE MATERIALIZED VIEW m_user AS SELECT id FROM t; CREATE INDEX ON m_user (twice(id));
CREATE MATERIALIZED VIEW "o'dd ""s"."we""ird; --" AS SELECT id AS "i""d; --" FROM t;
CREATE TABLE m_rows_code_idx ();
CREATE MATERIALIZED VIEW m_empty AS SELECT id FROM t WITH NO DATA;
CREATE MATERIALIZED VIEW ok_empty AS SELECT id FROM t WITH NO DATA; CREATE UNIQUE INDEX ON ok_empty (id);
CREATE MATERIALIZED VIEW m_large AS SELECT repeat('x', 1000) AS filler, id FROM t;
ANALYZE m_nulls;
`;

async function setup(major: (typeof majors)[number]): Promise<CheckRig> {
  const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(fixture);
  return rig;
}

const wanting = ({ findings }: CheckReport): FoundFinding[] =>
  findings.filter(({ fingerprint }) => fingerprint.startsWith('matview_unique_index:'));
const about = (report: CheckReport, name: string): FoundFinding => {
  const found = wanting(report).find(({ object }) => object.name === name);
  if (found === undefined) throw new Error(`expected a finding about ${name}`);
  return found;
};

/** New indexes are named after the view and the columns. */
const mayName = ({ object, evidence }: FoundFinding): string[] =>
  ['', 1].map(
    (number) => `${object.schema}.${[object.name, ...((evidence['key'] ?? []) as string[])].join('_')}_idx${number}`,
  );

/** What is proposed, and how it is known. */
const expectedKeys = {
  'we"ird; --': ['i"d; --', 'table'],
  m_partial: ['id', 'table'],
  m_expression: ['id', 'table'],
  m_invalid: ['id', 'table'],
  m_plain: ['id', 'table'],
  m_table: ['a; b', 'table'],
  m_large: ['id', 'table'],
  m_group: ['note, grp', 'query'],
  m_distinct_on: ['grp', 'query'],
  m_distinct: ['grp, note', 'query'],
  m_rows: ['code', 'rows'],
};

const definitions = async (rig: CheckRig): Promise<unknown[]> =>
  rig.sql(`SELECT pg_get_indexdef(i.indexrelid) AS definition, c.relispopulated FROM pg_class c LEFT JOIN pg_index i ON i.indrelid = c.oid
    WHERE c.relkind = 'm' ORDER BY c.relname, 1`);

/** Whether the server itself refreshes it without locking its readers out. */
async function refreshesConcurrently(rig: CheckRig, quoted: string): Promise<boolean> {
  return rig.sql(`REFRESH MATERIALIZED VIEW CONCURRENTLY ${quoted}`).then(
    () => true,
    (error: { code?: string }) => {
      // 55000 without a usable index.
      expect([quoted, error.code]).toEqual([quoted, '55000']);
      return false;
    },
  );
}

describe.each(majors)('matview_index on PostgreSQL %i', (major) => {
  it('finds what the server cannot refresh online, proposes keys that it verified, and takes them back', async () => {
    await using rig = await setup(major);
    const before = await definitions(rig);
    const views = await rig.sql<{ name: string; quoted: string; populated: boolean }>(
      `SELECT matviewname AS name, format('%I.%I', schemaname, matviewname) AS quoted, ispopulated AS populated FROM pg_matviews`,
    );
    const report = await rig.run(matviewIndex, { large_mb: 0.1 }, { mayName });
    expect(
      wanting(report)
        .map(({ object }) => object.name)
        .toSorted(),
    ).toEqual(views.flatMap(({ name }) => (name.startsWith('ok_') ? [] : [name])).toSorted());
    for (const { name, quoted } of views.filter(({ populated }) => populated)) {
      expect([name, await refreshesConcurrently(rig, quoted)]).toEqual([name, name.startsWith('ok_')]);
    }
    expect(report).toMatchObject({ checked: views.length, skipped: [], unknown: [] });
    expect(report.figures).toMatchObject({ count: views.length, index_suggestions: Object.keys(expectedKeys).length });
    const proposed = wanting(report).filter(({ action }) => action !== null);
    expect(
      Object.fromEntries(
        proposed.map(({ object, evidence }) => [
          object.name,
          [(evidence['key'] as string[]).join(', '), evidence['key_known_from']],
        ]),
      ),
    ).toEqual(expectedKeys);
    expect(about(report, 'm_large').severity).toBe('warning');
    expect(about(report, 'm_table')).toMatchObject({
      severity: 'info',
      summary: expect.stringMatching(/no index at all/),
    });
    expect(about(report, 'm_partial').evidence).toMatchObject({ unique_but_unusable: [{ why: 'partial' }] });
    expect(about(report, 'm_expression').evidence).toMatchObject({
      unique_but_unusable: [{ why: 'on an expression' }],
    });
    expect(about(report, 'm_invalid').evidence).toMatchObject({ unique_but_unusable: [{ why: 'not valid' }] });
    for (const [name, reason] of [
      ['m_few', /too few/],
      ['m_joined', /not all, differ in id, grp$/],
      ['m_sum', /no column of it/],
      ['m_nulls', /no column of it/],
      ['m_user', /somebody defined/],
      ['m_empty', /never populated/],
    ] as const) {
      expect(about(report, name).evidence['no_action_because']).toMatch(reason);
    }
    const unpopulated = report.findings.filter(({ fingerprint }) => fingerprint.startsWith('unpopulated_matview:'));
    expect(unpopulated.map(({ object }) => object.name)).toEqual(['m_empty', 'ok_empty']);

    const actions = [...unpopulated, ...proposed].flatMap(({ action }) => (action === null ? [] : [action]));
    await rig.execute(actions.flatMap(({ sql }) => sql));
    const cured = await rig.run(matviewIndex, {}, { mayName });
    const left = wanting(report).filter(({ action }) => action === null);
    expect(cured.findings.map(({ fingerprint }) => fingerprint)).toEqual(left.map(({ fingerprint }) => fingerprint));
    for (const { name, quoted } of views.filter((view) => view.name in expectedKeys)) {
      expect([name, await refreshesConcurrently(rig, quoted)]).toEqual([name, true]);
    }
    await rig.execute(actions.flatMap(({ rollbackSql }) => rollbackSql));
    expect(await definitions(rig)).toEqual(before);
  });

  it('reads rows only where it may, no more than told, and waits for no lock', async () => {
    await using rig = await setup(major);
    const views = (await rig.run(matviewIndex, { verify_rows: 0 }, { mayName })).findings;
    expect(views.every(({ action, fingerprint }) => action === null || fingerprint.startsWith('unpopulated'))).toBe(
      true,
    );
    expect(about(await rig.run(matviewIndex, { verify_rows: 199 }, { mayName }), 'm_rows').evidence).toMatchObject({
      no_action_because: 'it has more than 199 rows (verify_rows)',
    });
    expect(about(await rig.run(matviewIndex, { verify_rows: 200 }, { mayName }), 'm_rows').action).not.toBe(null);
    for (const membership of ['IN ROLE pg_monitor', '']) {
      const { name } = await createRole(inject('targetUrls')[major], membership);
      await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'`);
      const report = await rig.run(matviewIndex, {}, { as: name, mayName });
      expect(report.findings.map(({ fingerprint }) => fingerprint)).toEqual(
        views.map(({ fingerprint }) => fingerprint),
      );
      expect(about(report, 'we"ird; --')).toMatchObject({
        action: null,
        evidence: {
          no_action_because: 'this role may not read it',
          verifying_needs: `GRANT USAGE ON SCHEMA "o'dd ""s" TO ${name}; GRANT SELECT ON TABLE "o'dd ""s"."we""ird; --" TO ${name}`,
        },
      });
    }
    const holder = await rig.connect();
    await holder.query('BEGIN; REFRESH MATERIALIZED VIEW m_rows; REFRESH MATERIALIZED VIEW ok_empty');
    const locked = await rig.run(matviewIndex, {}, { mayName });
    expect(about(locked, 'm_rows')).toMatchObject({
      action: null,
      evidence: { no_action_because: 'locked', size_bytes: null },
    });
    expect(locked.findings.find(({ object }) => object.name === 'ok_empty')).toMatchObject({ action: null });
  });
});

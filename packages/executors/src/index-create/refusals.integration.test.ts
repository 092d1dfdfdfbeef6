import { describe, expect, it } from 'vitest';
import {
  column,
  create,
  definition,
  type Given,
  hostile,
  indexesOf,
  kinds,
  on,
  setup,
} from '../../test/index-create-fixture.ts';
import { indexCreate } from './index.ts';

describe.each([14, 18] as const)('what INDEX_CREATE does not do on PostgreSQL %i', (major) => {
  it('refuses what the table has not, the method cannot, or an index does already', async () => {
    await using rig = await setup(major, `CREATE INDEX wide ON ${hostile} ("B", e); CREATE TABLE named (n int)`);
    const t = hostile;
    const cases: [Given, string][] = [
      [{}, '/table required, /columns required'],
      [on('nowhere', 'a'), '/table unknown_table'],
      [on(t, 'a'), '/columns/0 unknown_column'],
      [on(t, `B"; DROP TABLE x; --`), '/columns/0 unknown_column'],
      [
        { ...on(t, 'B'), include: ['zz'], where_not_null: ['yy'] },
        '/include/0 unknown_column, /where_not_null/0 unknown_column',
      ],
      [on(t, 'B', 'B'), '/columns/1 repeated_column'],
      [on(t, 'd'), '/columns/0 no_operator_class'],
      [{ table: t, columns: [column('B', { opclass: 'int4_ops' })] }, '/columns/0/opclass operator_class_mismatch'],
      [{ table: t, columns: [column('B', { opclass: 'no_ops)' })] }, '/columns/0/opclass unknown_operator_class'],
      [{ ...on(t, 'B'), method: 'gin' }, '/columns/0 no_operator_class'],
      [{ ...on(t, 'B', 'e'), method: 'hash', unique: true }, '/unique method_cannot, /columns/1 method_cannot'],
      [{ table: t, columns: [column('B', { order: 'desc' })], method: 'brin' }, '/columns/0/order method_cannot'],
      [{ ...on(t, 'B'), method: 'hash', include: ['e'] }, '/include method_cannot'],
      [on(t, 'B'), '/columns redundant_index'],
      [{ table: t, columns: [column('B', { order: 'desc' })] }, '/columns redundant_index'],
      [{ ...on(t, 'B', 'e'), name: 'again' }, '/columns duplicate_index'],
      [{ ...on('named', 'n'), name: 'parted' }, '/name name_taken'],
      [{ ...on('parted', 'at'), name: 'twig_at_idx' }, '/name name_taken'],
      [{ ...on('parted', 'at'), unique: true }, '/unique lacks_partition_key'],
    ];
    for (const [config, expected] of cases) {
      const { problems, plan } = await rig.plan(indexCreate, config);
      expect(problems.map(({ pointer, code }) => `${pointer} ${code}`).join(', '), JSON.stringify(config)).toBe(
        expected,
      );
      expect(plan).toBeNull();
    }
    const allowed = await create(rig, { ...on(t, 'B'), allow_redundant: true });
    expect(kinds(allowed.steps)).toEqual(['done']);
    for (const [config, def] of [
      [{ ...on(t, 'c'), method: 'gin' }, 'USING gin (c)'],
      [{ ...on(t, 'e'), method: 'hash' }, 'USING hash (e)'],
      [{ ...on(t, 'a; --'), method: 'brin' }, 'USING brin ("a; --")'],
      [{ table: t, columns: [column('B', { opclass: 'gist_missing' })], method: 'gist' }, null],
    ] as const) {
      const { steps } = await create(rig, config as Given);
      expect(kinds(steps)).toEqual(def === null ? [] : ['done']);
      if (def !== null) expect(await definition(rig, steps[0]?.step.key ?? '')).toContain(def);
    }
    // A wider one leaves the narrow one nothing to do, and says so.
    const wider = await create(rig, on(t, 'B', 'e', 'a; --'));
    expect(wider.steps).toMatchObject([
      { outcome: { result: { makes_redundant: expect.arrayContaining([`we"ird; --.wide`]) } } },
    ]);
  });

  it('tells of duplicate keys without their values, and leaves nothing', async () => {
    await using rig = await setup(
      major,
      `CREATE TABLE twice (secret text); INSERT INTO twice VALUES ('hunter2'), ('hunter2')`,
    );
    const { steps, rollbackPoints, remnants } = await create(rig, { ...on('twice', 'secret'), unique: true });
    expect(steps).toMatchObject([
      {
        outcome: {
          kind: 'failed',
          error: {
            code: 'duplicate_keys',
            message: expect.stringMatching(/public\.twice_secret_idx cannot be unique.*could not create unique index/),
            detail: { dropped: ['public.twice_secret_idx'], left: [] },
          },
        },
      },
    ]);
    expect(JSON.stringify(steps)).not.toContain('hunter2');
    expect(rollbackPoints).toMatchObject([{ state: 'void' }]);
    expect(remnants).toMatchObject([{ outcome: 'swept' }]);
    expect(await indexesOf(rig, 'twice')).toEqual([]);
  });

  it('begins nothing of a tree of which it may not do all, and says what cures that', async () => {
    await using rig = await setup(major);
    const role = `maker_${Math.random().toString(36).slice(2, 10)}`;
    await rig.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'postgres'; CREATE ROLE ${role}_owner; ALTER TABLE parted OWNER TO ${role};
      ALTER TABLE twig OWNER TO ${role}_owner; ALTER TABLE branch OWNER TO ${role}; ALTER TABLE parted_1 OWNER TO ${role};
      ALTER TABLE "we""ird; --"."part "" 2" OWNER TO ${role}; REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
    try {
      const refused = await create(rig, on('parted', 'at'), { as: role });
      const unknown = refused.plan?.unknown ?? [];
      expect(unknown.map(({ object, reason }) => [object, reason])).toContainEqual([
        'public.twig',
        'insufficient_privilege',
      ]);
      expect(
        refused.steps.every(
          ({ outcome }) => outcome.kind === 'failed' && outcome.error.code === 'insufficient_privilege',
        ),
      ).toBe(true);
      expect(await indexesOf(rig, 'parted')).toEqual([]);
      const grants = [...new Set(unknown.flatMap(({ grant }) => grant ?? []))];
      expect(grants.join('; ')).toContain(`GRANT ${role}_owner TO ${role}`);
      for (const grant of grants) await rig.sql(grant);
      expect(new Set(kinds((await create(rig, on('parted', 'at'), { as: role })).steps))).toEqual(new Set(['done']));
    } finally {
      await rig.sql(`DROP OWNED BY ${role}, ${role}_owner CASCADE; DROP ROLE ${role}, ${role}_owner`);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { countOf, daysAgo, kinds, rigWith, rule, sneaking, tables } from '../../test/retention-rig.ts';
import { retentionEnforcement } from './index.ts';
import { readChildren } from './partitions.ts';
import type { RetentionRule } from './schema.ts';

const events = rule({ table: 'events', column: 'at' });

/** Two expired partitions, one of them divided, and one that is not over yet; 10 rows in each. */
const eventsSql = [
  'CREATE TABLE events (id int, at timestamptz, kind text) PARTITION BY RANGE (at)',
  `CREATE TABLE "e ""old""; --" PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('${daysAgo(60, '+03')}')`,
  `CREATE TABLE e_tree PARTITION OF events FOR VALUES FROM ('${daysAgo(60, '+03')}') TO ('${daysAgo(31)}') PARTITION BY LIST (kind)`,
  `CREATE TABLE e_a PARTITION OF e_tree FOR VALUES IN ('a')`,
  'CREATE TABLE e_b PARTITION OF e_tree DEFAULT',
  `CREATE TABLE e_now PARTITION OF events FOR VALUES FROM ('${daysAgo(31)}') TO (MAXVALUE)`,
  `INSERT INTO events SELECT g, now() - make_interval(days => d), CASE g % 2 WHEN 0 THEN 'a' END
   FROM generate_series(1, 10) g, unnest(ARRAY[90, 45, 1]) d`,
];
const oldest = '"e ""old""; --"';

const setup = (major: PostgresMajor, ...more: string[]) => rigWith(major, [...eventsSql, ...more]);

describe.each(majors)('RETENTION_ENFORCEMENT of partitions on PostgreSQL %i', (major) => {
  it('drops what is past its bound as a whole, the oldest first, and nothing else', async () => {
    await using rig = await setup(major);
    const shown = await rig.plan(retentionEnforcement, { rules: [events] });
    const { plan, steps, effects, rollbackPoints, remnants } = await rig.run(retentionEnforcement, { rules: [events] });
    expect(shown.plan?.steps.map(({ statements }) => statements)).toEqual(
      plan?.steps.map(({ statements }) => statements),
    );
    expect(plan).toMatchObject({ checked: 3, skipped: [], unknown: [] });
    expect(plan?.steps).toMatchObject([
      {
        key: `public.${oldest}`,
        statements: [
          `ALTER TABLE public.events DETACH PARTITION public.${oldest} CONCURRENTLY`,
          `DROP TABLE public.${oldest}`,
        ],
        lockMode: 'ACCESS EXCLUSIVE',
        reversible: false,
        data: { rows: 10, held: 0, mode: 'concurrently', undo: expect.stringContaining('cannot be brought back') },
      },
      { key: 'public.e_tree', data: { rows: 10 } },
    ]);
    for (const { statements } of plan?.steps ?? [])
      expect(await kinds(statements)).toEqual(['AlterTableStmt', 'DropStmt']);
    expect(steps.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'done', result: { method: 'drop_partitions', rows: 10 } },
      { kind: 'done', result: { rows: 10 } },
    ]);
    expect(effects).toMatchObject([
      { action: 'retention', object: `public.${oldest}`, sizeAfterBytes: 0, detail: { rows: 10 } },
      { object: 'public.e_tree' },
    ]);
    expect(remnants.map(({ outcome }) => outcome)).toEqual(['absent', 'absent']);
    expect(rollbackPoints.map(({ state }) => state)).toEqual(['void', 'void']);
    expect(await tables(rig)).toEqual(['e_now attached', 'events']);
    expect(await countOf(rig, 'events')).toBe(10);
    expect((await rig.run(retentionEnforcement, { rules: [events] })).plan).toMatchObject({ steps: [], checked: 1 });
  });
});

describe.each([14, 18] as const)('RETENTION_ENFORCEMENT of partitions, oldest and newest: PostgreSQL %i', (major) => {
  it('detaches when it is to do no more, and can be taken back', async () => {
    await using rig = await setup(major);
    const config = { rules: [{ ...events, method: 'detach_partitions' as const, max_partitions: 1 }] };
    const { plan, steps, rollbackPoints } = await rig.run(retentionEnforcement, config);
    expect(plan?.skipped).toEqual([{ object: 'public.e_tree', reason: 'over_max_partitions' }]);
    expect(steps).toMatchObject([{ step: { reversible: true }, outcome: { kind: 'done' } }]);
    expect(await tables(rig)).toContain('e "old"; --');
    expect(rollbackPoints).toMatchObject([{ state: 'armed', object: `public.${oldest}` }]);
    for (const statement of rollbackPoints[0]?.statements ?? []) await rig.sql(statement);
    expect(await tables(rig)).toContain('e "old"; -- attached');
    expect(await countOf(rig, 'events')).toBe(30);
  });

  it('reads bounds of every kind as the server means them, to the cutoff and no further', async () => {
    await using rig = await rigWith(major, [
      'CREATE TABLE d (v date) PARTITION BY RANGE (v)',
      `CREATE TABLE d1 PARTITION OF d FOR VALUES FROM (MINVALUE) TO ('2024-03-01')`,
      `CREATE TABLE d2 PARTITION OF d FOR VALUES FROM ('2024-03-01') TO ('infinity')`,
      `CREATE TABLE d3 PARTITION OF d FOR VALUES FROM ('infinity') TO (MAXVALUE)`,
      'CREATE TABLE dd PARTITION OF d DEFAULT',
      'CREATE TABLE ts (v timestamp) PARTITION BY RANGE (v)',
      `CREATE TABLE ts1 PARTITION OF ts FOR VALUES FROM ('2024-01-01') TO ('2024-03-01 12:00:00.123456')`,
      'CREATE TABLE tz (v timestamptz) PARTITION BY RANGE (v)',
      `CREATE TABLE tz1 PARTITION OF tz FOR VALUES FROM ('-infinity') TO ('2024-03-01 02:30:00+05:30')`,
      'CREATE TABLE i (v int8) PARTITION BY RANGE (v)',
      `CREATE TABLE i1 PARTITION OF i FOR VALUES FROM (MINVALUE) TO (-5)`,
      `CREATE TABLE i2 PARTITION OF i FOR VALUES FROM (-5) TO (100)`,
      `CREATE TABLE i3 PARTITION OF i FOR VALUES FROM (100) TO (MAXVALUE)`,
    ]);
    const expired = async (table: string, type: 'date' | 'timestamp' | 'timestamptz' | 'int8', value: string) => {
      const [{ oid } = { oid: 0 }] = await rig.sql<{ oid: number }>(`SELECT '${table}'::regclass::oid AS oid`);
      const client = await rig.connect();
      await client.query(`SET TimeZone = 'UTC'`);
      const reader = {
        query: async (sql: string, parameters: unknown[] = []) => (await client.query(sql, parameters)).rows,
      } as never;
      const children = await readChildren(reader, oid, { type, column: 'v' }, { value });
      return children.filter((child) => child.expired).map(({ name }) => name);
    };
    expect(await expired('d', 'date', '2024-02-29')).toEqual([]);
    expect(await expired('d', 'date', '2024-03-01')).toEqual(['d1']);
    expect(await expired('d', 'date', '9999-01-01')).toEqual(['d1']);
    expect(await expired('ts', 'timestamp', '2024-03-01 12:00:00.123455')).toEqual([]);
    expect(await expired('ts', 'timestamp', '2024-03-01 12:00:00.123456')).toEqual(['ts1']);
    expect(await expired('tz', 'timestamptz', '2024-02-29 20:59:59.999999+00')).toEqual([]);
    expect(await expired('tz', 'timestamptz', '2024-02-29 21:00:00+00')).toEqual(['tz1']);
    expect(await expired('i', 'int8', '-6')).toEqual([]);
    expect(await expired('i', 'int8', '99')).toEqual(['i1']);
    expect(await expired('i', 'int8', '100')).toEqual(['i1', 'i2']);
  });

  it('looks into partitions that are not over yet, and counts epochs', async () => {
    const epoch = (days: number) => Math.floor((Date.now() - days * 86_400_000) / 1000);
    await using rig = await rigWith(major, [
      'CREATE TABLE t (at int8) PARTITION BY RANGE (at)',
      `CREATE TABLE year PARTITION OF t FOR VALUES FROM (0) TO (${epoch(-100)}) PARTITION BY RANGE (at)`,
      `CREATE TABLE month1 PARTITION OF year FOR VALUES FROM (0) TO (${epoch(40)})`,
      `CREATE TABLE month2 PARTITION OF year FOR VALUES FROM (${epoch(40)}) TO (MAXVALUE)`,
      'CREATE TABLE later PARTITION OF t DEFAULT',
      `INSERT INTO t VALUES (${epoch(50)}), (${epoch(1)})`,
    ]);
    const refused = await rig.run(retentionEnforcement, { rules: [rule({ table: 't', column: 'at' })] });
    expect(refused.problems).toMatchObject([{ pointer: '/rules/0/unit', code: 'unit_needed' }]);
    const { steps } = await rig.run(retentionEnforcement, {
      rules: [rule({ table: 't', column: 'at', unit: 'seconds' })],
    });
    expect(steps).toMatchObject([
      { step: { key: 'public.month1', data: { parent: 'public.year' } }, outcome: { kind: 'done' } },
    ]);
    expect(await tables(rig)).toEqual(['later attached', 'month2 attached', 't', 'year attached']);
  });

  it('refuses partitions by anything else than a RANGE of the one column', async () => {
    const partitioned: [string, RetentionRule['method']][] = [
      ['PARTITION BY LIST (at)', 'drop_partitions'],
      ['PARTITION BY HASH (at)', 'detach_partitions'],
      ['PARTITION BY RANGE (at, id)', 'drop_partitions'],
      ['PARTITION BY RANGE (id)', 'drop_partitions'],
      ['PARTITION BY RANGE ((at + 1))', 'drop_partitions'],
      ['', 'detach_partitions'],
    ];
    await using rig = await rigWith(
      major,
      partitioned.map(([how], i) => `CREATE TABLE t${i} (id int, at date) ${how}`),
    );
    const rules = partitioned.map(([, method], i) => rule({ table: `t${i}`, column: 'at', method }));
    const { problems } = await rig.run(retentionEnforcement, { rules });
    expect(problems).toMatchObject(
      rules.map((_, i) => ({ pointer: `/rules/${i}/method`, code: 'not_partitioned_by_column' })),
    );
  });

  it('refuses what foreign keys refer to, and leaves alone what others depend on', async () => {
    await using rig = await setup(
      major,
      `CREATE VIEW seen AS SELECT id FROM ${oldest}`,
      'CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)',
      `CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (MINVALUE) TO ('2020-01-01')`,
      'CREATE TABLE r (id int, at date, FOREIGN KEY (id, at) REFERENCES p)',
    );
    const referenced = await rig.run(retentionEnforcement, { rules: [rule({ table: 'p', column: 'at' })] });
    expect(referenced.problems).toMatchObject([
      { pointer: '/rules/0/method', code: 'referenced_by_foreign_keys', detail: expect.stringContaining('public.r') },
    ]);
    const { plan, steps } = await rig.run(retentionEnforcement, { rules: [events] });
    expect(plan?.skipped).toEqual([
      { object: `public.${oldest}`, reason: expect.stringMatching(/^has_dependents: .*seen/) },
    ]);
    expect(steps).toMatchObject([{ step: { key: 'public.e_tree' }, outcome: { kind: 'done' } }]);
  });

  it('keeps a partition that holds any row on hold, whenever the row comes', async () => {
    await using rig = await setup(major, `INSERT INTO events VALUES (666, now() - interval '90 days', 'c')`);
    const held = { ...events, legal_hold: [{ column: 'id', values: [666, 777] }] };
    const { plan, steps, rollbackPoints } = await rig.run(
      sneaking(() => rig.sql(`INSERT INTO e_tree VALUES (777, now() - interval '45 days')`)),
      { rules: [held] },
    );
    expect(plan?.skipped).toEqual([{ object: `public.${oldest}`, reason: 'legal_hold: 1 rows' }]);
    expect(plan?.steps[0]?.statements.slice(1)).toMatchObject([
      'BEGIN',
      'LOCK TABLE public.e_tree IN SHARE MODE',
      expect.stringContaining('ANY ($1::integer[])'),
      'DROP TABLE public.e_tree',
      'COMMIT',
    ]);
    expect(await kinds(plan?.steps[0]?.statements ?? [])).toEqual([
      'AlterTableStmt',
      'TransactionStmt',
      'LockStmt',
      'SelectStmt',
      'DropStmt',
      'TransactionStmt',
    ]);
    const { held_sql, attach_sql } = plan?.steps[0]?.data ?? {};
    expect(await kinds([String(held_sql), String(attach_sql)])).toEqual(['SelectStmt', 'AlterTableStmt']);
    expect(steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'legal_hold', result: { held: 1 } } }]);
    expect(rollbackPoints).toMatchObject([{ state: 'void' }]);
    expect(await countOf(rig, 'events')).toBe(32);
    const again = await rig.run(retentionEnforcement, { rules: [held] });
    expect(again.plan).toMatchObject({
      steps: [],
      skipped: [{}, { object: 'public.e_tree', reason: 'legal_hold: 1 rows' }],
    });
    const refused = await rig.run(retentionEnforcement, {
      rules: [
        {
          ...events,
          legal_hold: [
            { column: 'id', values: ['x'] },
            { column: 'no', values: [1] },
          ],
        },
      ],
    });
    expect(refused.problems).toMatchObject([
      { pointer: '/rules/0/legal_hold/0/values', code: 'invalid_hold_value' },
      { pointer: '/rules/0/legal_hold/1/column', code: 'unknown_column' },
    ]);
  });
});

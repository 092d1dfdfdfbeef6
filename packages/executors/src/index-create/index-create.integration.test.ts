import { describe, expect, it } from 'vitest';
import { majors } from '../../../../test/support/postgres.ts';
import { findIn } from '../../test/find-in.ts';
import {
  column,
  create,
  definition,
  everyStatementIsOne,
  type Given,
  hostile,
  indexesOf,
  kinds,
  on,
  setup,
} from '../../test/index-create-fixture.ts';

describe.each(majors)('INDEX_CREATE on PostgreSQL %i', (major) => {
  it('makes the index of a plain table, and does not make it twice', async () => {
    await using rig = await setup(major);
    const config = {
      table: hostile,
      columns: [column('a; --', { order: 'desc', nulls: 'last' }), column('B', { opclass: 'text_pattern_ops' })],
      include: ['e'],
      where_not_null: ['B', 'e'],
      unique: true,
      name: 'i"x; DROP TABLE x',
    } satisfies Given;
    const { plan, steps, effects, rollbackPoints, remnants } = await create(rig, config);
    const key = `"we""ird; --"."i""x; DROP TABLE x"`;
    const statement = `CREATE UNIQUE INDEX CONCURRENTLY "i""x; DROP TABLE x" ON ${hostile} USING btree ("a; --" DESC NULLS LAST, "B" pg_catalog.text_pattern_ops) INCLUDE (e) WHERE (("B" IS NOT NULL) AND (e IS NOT NULL))`;
    expect(plan?.steps).toMatchObject([
      {
        key,
        object: { kind: 'index', oid: null, schema: 'we"ird; --', name: 'i"x; DROP TABLE x' },
        statements: [statement],
        lockMode: 'SHARE UPDATE EXCLUSIVE',
        reversible: true,
        cost: { action: 'create_index' },
      },
    ]);
    expect(await everyStatementIsOne(plan?.steps ?? [])).toEqual(['IndexStmt']);
    expect(steps).toMatchObject([
      { outcome: { kind: 'done', result: { built: true, size_bytes: expect.any(Number) } } },
    ]);
    expect(await definition(rig, key)).toBe(
      `CREATE UNIQUE INDEX "i""x; DROP TABLE x" ON ${hostile} USING btree ("a; --" DESC NULLS LAST, "B" text_pattern_ops) INCLUDE (e) WHERE (("B" IS NOT NULL) AND (e IS NOT NULL))`,
    );
    expect(effects).toMatchObject([
      { action: 'create_index', object: key, durationMs: expect.any(Number), sizeAfterBytes: expect.any(Number) },
    ]);
    expect(rollbackPoints).toEqual([
      {
        object: key,
        summary: expect.any(String),
        statements: [`DROP INDEX CONCURRENTLY IF EXISTS ${key}`],
        state: 'armed',
      },
    ]);
    expect(remnants).toMatchObject([{ outcome: 'absent', proof: { operation: 'create' } }]);

    const again = await create(rig, config);
    expect(again.plan).toMatchObject({
      steps: [],
      checked: 1,
      skipped: [{ object: `we"ird; --.i"x; DROP TABLE x`, reason: 'exists' }],
    });
    // Whatever its name: it is there.
    expect((await create(rig, { ...config, name: null })).plan).toMatchObject({
      steps: [],
      skipped: [{ reason: 'exists' }],
    });
    expect((await create(rig, { ...config, if_exists: 'refuse' })).problems).toMatchObject([{ code: 'index_exists' }]);
    expect((await create(rig, { ...config, name: 'other' })).problems).toMatchObject([
      { pointer: '/columns', code: 'duplicate_index' },
    ]);
  });

  it('makes the index of a partitioned table part by part, attaching what is there', async () => {
    await using rig = await setup(
      major,
      `CREATE INDEX mine ON twig (note, at DESC); CREATE UNIQUE INDEX never ON twig (note, at DESC)`,
    );
    const config = { table: 'parted', columns: [column('note'), column('at', { order: 'desc' })] } satisfies Given;
    const { plan, steps, rollbackPoints, effects } = await create(rig, config);
    expect(plan?.steps.map(({ key, statements, lockMode }) => [key, lockMode, ...statements])).toEqual([
      [
        'public.parted_note_at_idx',
        'SHARE',
        'CREATE INDEX parted_note_at_idx ON ONLY public.parted USING btree (note, at DESC)',
      ],
      [
        'public.branch_note_at_idx',
        'ACCESS EXCLUSIVE',
        'CREATE INDEX branch_note_at_idx ON ONLY public.branch USING btree (note, at DESC)',
        'ALTER INDEX public.parted_note_at_idx ATTACH PARTITION public.branch_note_at_idx',
      ],
      [
        'public.parted_1_note_at_idx',
        'ACCESS EXCLUSIVE',
        'CREATE INDEX CONCURRENTLY parted_1_note_at_idx ON public.parted_1 USING btree (note, at DESC)',
        'ALTER INDEX public.parted_note_at_idx ATTACH PARTITION public.parted_1_note_at_idx',
      ],
      [
        `"we""ird; --"."part "" 2_note_at_idx"`,
        'ACCESS EXCLUSIVE',
        `CREATE INDEX CONCURRENTLY "part "" 2_note_at_idx" ON "we""ird; --"."part "" 2" USING btree (note, at DESC)`,
        `ALTER INDEX public.parted_note_at_idx ATTACH PARTITION "we""ird; --"."part "" 2_note_at_idx"`,
      ],
      ['public.mine', 'ACCESS EXCLUSIVE', 'ALTER INDEX public.branch_note_at_idx ATTACH PARTITION public.mine'],
    ]);
    expect(await everyStatementIsOne(plan?.steps ?? [])).toEqual(['AlterTableStmt', 'IndexStmt']);
    expect(kinds(steps)).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(steps.at(-1)?.outcome).toMatchObject({
      result: { complete: true, attached_to: 'public.branch_note_at_idx' },
    });
    for (const table of ['parted', 'branch']) expect(await indexesOf(rig, table)).toEqual([`${table}_note_at_idx`]);
    expect(await findIn(rig, 'invalid_index', 'parted_note', { confirm_seconds: 0 })).toBeUndefined();
    expect(effects.map(({ object }) => object)).toEqual([
      'public.parted_1_note_at_idx',
      `"we""ird; --"."part "" 2_note_at_idx"`,
    ]);
    // A part goes with the whole alone, and the whole brings back what was not ours.
    expect(rollbackPoints.map(({ state, statements }) => [state, ...statements])).toEqual([
      [
        'armed',
        'DROP INDEX IF EXISTS public.parted_note_at_idx',
        'CREATE INDEX CONCURRENTLY mine ON public.twig USING btree (note, at DESC)',
      ],
      ['void', 'DROP INDEX CONCURRENTLY IF EXISTS public.parted_1_note_at_idx'],
      ['void', `DROP INDEX CONCURRENTLY IF EXISTS "we""ird; --"."part "" 2_note_at_idx"`],
    ]);
    for (const statement of rollbackPoints[0]?.statements ?? []) await rig.sql(statement);
    expect(await indexesOf(rig, 'twig')).toEqual(['mine', 'never']);
    expect(await indexesOf(rig, 'parted_1')).toEqual([]);
    expect((await create(rig, config)).plan?.steps).toHaveLength(5);
  });

  it('brings the foreign key that lacked an index into order', async () => {
    await using rig = await setup(
      major,
      `CREATE TABLE ref (id int PRIMARY KEY); INSERT INTO ref SELECT generate_series(0, 99);
      ALTER TABLE parted ADD CONSTRAINT to_ref FOREIGN KEY (at) REFERENCES ref`,
    );
    const lacks = () => findIn(rig, 'missing_fk_index', 'to_ref', { min_rows: 0 });
    expect(await lacks()).toBeDefined();
    expect(kinds((await create(rig, on('parted', 'at'))).steps)).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(await lacks()).toBeUndefined();
  });
});

describe.each([14, 18] as const)('INDEX_CREATE on PostgreSQL %i', (major) => {
  it('goes on where another run stopped, and completes what was never validated', async () => {
    await using rig = await setup(major);
    const config = { ...on('public.parted', 'at'), gate_timeout_seconds: 0 };
    const somebody = await rig.connect({ applicationName: 'somebody' });
    const first = await create(rig, config, {
      beforeSteps: async () => void (await somebody.query('BEGIN; LOCK TABLE parted_1 IN SHARE UPDATE EXCLUSIVE MODE')),
    });
    expect(first).toMatchObject({
      steps: [
        { outcome: { kind: 'done' } },
        { outcome: { kind: 'done' } },
        { outcome: { kind: 'skipped', reason: 'blocked' } },
        { outcome: { kind: 'done' } },
        {
          outcome: {
            kind: 'failed',
            error: { code: 'incomplete', detail: { missing: ['public.parted_1'], made: { built: true } } },
          },
        },
      ],
    });
    await somebody.query('COMMIT');
    expect(await indexesOf(rig, 'parted')).toEqual(['parted_at_idx invalid']);
    const second = await create(rig, config);
    expect(second.plan?.steps.map(({ key }) => key)).toEqual(['public.parted_1_at_idx']);
    expect(kinds(second.steps)).toEqual(['done']);
    expect(await indexesOf(rig, 'parted')).toEqual(['parted_at_idx']);
    expect((await create(rig, config)).plan).toMatchObject({ steps: [], skipped: [{ reason: 'exists' }] });

    // Nothing is lacking, and nobody has looked since.
    await rig.sql(`CREATE INDEX begun ON ONLY parted (note, id); CREATE INDEX b1 ON parted_1 (note, id);
      CREATE INDEX b2 ON ONLY branch (note, id); CREATE INDEX b3 ON twig (note, id);
      ALTER INDEX begun ATTACH PARTITION b1; ALTER INDEX begun ATTACH PARTITION b2; ALTER INDEX b2 ATTACH PARTITION b3;
      ALTER TABLE parted DETACH PARTITION "we""ird; --"."part "" 2"`);
    expect(await indexesOf(rig, 'parted')).toContain('begun invalid');
    expect(kinds((await create(rig, on('parted', 'note', 'id'))).steps)).toEqual(['done']);
    expect(await indexesOf(rig, 'parted')).toContain('begun');
  });

  it('rebuilds a part that is attached and invalid', async () => {
    await using rig = await setup(major, 'CREATE INDEX begun ON ONLY parted (note)');
    await rig.sql(`CREATE INDEX p1 ON parted_1 (note)`);
    await rig.sql('ALTER INDEX begun ATTACH PARTITION p1');
    await rig.sql(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'p1'::regclass`);
    const { plan, steps } = await create(rig, on('parted', 'note'));
    expect(plan?.steps.find(({ key }) => key === 'public.p1')?.statements).toEqual([
      'REINDEX INDEX CONCURRENTLY public.p1',
      'ALTER INDEX public.begun ATTACH PARTITION public.p1',
    ]);
    expect(new Set(kinds(steps))).toEqual(new Set(['done']));
    expect(await indexesOf(rig, 'parted')).toEqual(['begun']);
  });

  it('looks again before it acts', async () => {
    await using rig = await setup(major, 'CREATE TABLE plain (n int, m int)');
    const after = async (sql: string) => {
      const { steps } = await create(rig, on('plain', 'n'), { beforeSteps: async () => void (await rig.sql(sql)) });
      return steps.map(({ outcome }) => (outcome.kind === 'skipped' ? outcome.reason : outcome.kind));
    };
    expect(await after('CREATE INDEX plain_n_idx ON plain (m)')).toEqual(['name_taken_since_planned']);
    expect(await after('ALTER TABLE plain RENAME TO other; CREATE TABLE plain (n int)')).toEqual([
      'replaced_since_planned',
    ]);
    expect(await after('DROP TABLE plain')).toEqual(['table_gone']);
    const parent = await create(rig, on('parted', 'at'), {
      beforeSteps: async (plan) => {
        for (const { statements } of plan.steps.slice(0, 1)) await rig.sql(statements[0] ?? '');
        await rig.sql('DROP INDEX parted_at_idx');
        await rig.sql('CREATE TABLE parted_at_idx (n int)');
      },
    });
    expect(parent.steps[0]?.outcome).toMatchObject({ kind: 'skipped' });
    expect(parent.steps[2]?.outcome).toMatchObject({ kind: 'failed', error: { code: 'parent_missing' } });
    expect(await indexesOf(rig, 'parted_1')).toEqual([]);
  });
});

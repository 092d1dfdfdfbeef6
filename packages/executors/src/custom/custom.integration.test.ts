import fc from 'fast-check';
import { parse } from 'libpg-query';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../../test/support/postgres.ts';
import { type Content, setup } from '../../test/custom-rig.ts';
import { parameter } from '../../test/custom-templates.ts';

describe.each(majors)('CUSTOM on PostgreSQL %i', (major) => {
  it('does what a template says in order, with values bound and names out of the catalogue', async () => {
    const { run, count } = await setup(major);
    const content: Content = {
      statements: [
        'WITH old AS (DELETE FROM {{t}} WHERE placed_at < $2 RETURNING *) INSERT INTO public.archive SELECT * FROM old',
        'UPDATE {{t}} SET note = $3 WHERE id > $4',
        'VACUUM (ANALYZE) {{t}}',
        'REINDEX INDEX CONCURRENTLY {{i}}',
        "COMMENT ON COLUMN {{t}}.note IS 'tidied; up'",
        'ALTER TABLE {{t}} SET (fillfactor = 80)',
        'SELECT count(*)::int AS left, max(note) AS note FROM {{t}} WHERE note = $3',
        'CHECKPOINT',
      ],
      parameters: [
        parameter('t', 'relation'),
        parameter('before', 'timestamptz'),
        parameter('note', 'text', { maxLength: 100 }),
        parameter('id', 'int8'),
        parameter('i', 'relation'),
      ],
      lockMode: 'SHARE UPDATE EXCLUSIVE',
    };
    const note = `it's "; DROP TABLE public.orders; -- $1 $$ \\`;
    const parameters = { t: 'orders', before: '2026-02-01T00:00:00Z', note, id: 190, i: 'public.orders_note' };
    const { plan, steps, effects, remnants } = await run(content, parameters);
    expect(plan?.steps.map(({ key, statements, lockMode }) => ({ key, statements, lockMode }))).toEqual([
      {
        key: 'tidy@1#1',
        statements: [
          'WITH old AS (DELETE FROM public.orders WHERE placed_at < ($1::pg_catalog.timestamptz) RETURNING *) INSERT INTO public.archive SELECT * FROM old',
        ],
        lockMode: 'ROW EXCLUSIVE',
      },
      {
        key: 'tidy@1#2',
        statements: ['UPDATE public.orders SET note = ($1::pg_catalog.text) WHERE id > ($2::pg_catalog.int8)'],
        lockMode: 'ROW EXCLUSIVE',
      },
      { key: 'tidy@1#3', statements: ['VACUUM (ANALYZE) public.orders'], lockMode: 'SHARE UPDATE EXCLUSIVE' },
      {
        key: 'tidy@1#4',
        statements: ['REINDEX INDEX CONCURRENTLY public.orders_note'],
        lockMode: 'SHARE UPDATE EXCLUSIVE',
      },
      {
        key: 'tidy@1#5',
        statements: ["COMMENT ON COLUMN public.orders.note IS 'tidied; up'"],
        lockMode: 'SHARE UPDATE EXCLUSIVE',
      },
      {
        key: 'tidy@1#6',
        statements: ['ALTER TABLE public.orders SET (fillfactor = 80)'],
        lockMode: 'SHARE UPDATE EXCLUSIVE',
      },
      { key: 'tidy@1#7', statements: [expect.stringContaining('LIMIT 101')], lockMode: 'ACCESS SHARE' },
      { key: 'tidy@1#8', statements: ['CHECKPOINT'], lockMode: null },
    ]);
    for (const { statements } of plan?.steps ?? []) {
      for (const statement of statements) expect((await parse(statement)).stmts, statement).toHaveLength(1);
    }
    expect(steps.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'done', result: { kind: 'INSERT', row_count: 30, parameters: { before: parameters.before } } },
      { kind: 'done', result: { kind: 'UPDATE', row_count: 10, parameters: { note, id: '190' } } },
      { kind: 'done', result: { kind: 'VACUUM' } },
      { kind: 'done', result: { kind: 'REINDEX', template: 'tidy', version: 1 } },
      { kind: 'done', result: { kind: 'COMMENT' } },
      { kind: 'done', result: { kind: 'ALTER TABLE' } },
      { kind: 'done', result: { kind: 'SELECT', rows: [{ left: 10, note }], truncated: false } },
      { kind: 'done', result: { kind: 'CHECKPOINT' } },
    ]);
    expect(effects).toHaveLength(8);
    expect(effects[0]).toMatchObject({
      action: 'custom',
      object: 'tidy@1#1',
      objectKind: 'table',
      detail: { template: 'tidy', version: 1, kind: 'INSERT', row_count: 30, relation: 'public.archive' },
    });
    expect(remnants).toMatchObject([{ outcome: 'absent' }]);
    expect(await count('public.archive')).toBe(30);
    expect(await count('public.orders')).toBe(170);
  });

  it('binds whatever a text may be, and gives it back as it was', async () => {
    const { run } = await setup(major);
    const hostile = [
      "'; DROP TABLE public.orders; --",
      '$1',
      '$$',
      '\\',
      '""',
      '{{t}}',
      'x'.repeat(10_000),
      '',
      ' ',
      '😀',
      'NULL',
      '\r\n\t',
    ];
    const character = fc.integer({ min: 1, max: 0x10ffff }).filter((point) => point < 0xd800 || point > 0xdfff);
    const random = fc.array(character, { maxLength: 30 }).map((points) => String.fromCodePoint(...points));
    const texts = [...hostile, ...fc.sample(random, { seed: 20261130, numRuns: 25 })];
    const typed = {
      b: '-9223372036854775808',
      c: true,
      e: '2024-02-29',
      f: '01A2013A-7cce-7c3f-87e0-7dfe651239cd',
      g: '0.10',
    };
    const names = texts.map((_, at) => `t${at}`);
    const columns = [...names, ...Object.keys(typed), 'd', 'nothing'].map((name, at) => `$${at + 1} AS ${name}`);
    const content: Content = {
      statements: [`SELECT ${columns.join(', ')}`],
      parameters: [
        ...names.map((name) => parameter(name, 'text', { maxLength: 10_000 })),
        parameter('b', 'int8'),
        parameter('c', 'boolean'),
        parameter('e', 'date'),
        parameter('f', 'uuid'),
        parameter('g', 'numeric'),
        parameter('d', 'timestamptz'),
        parameter('nothing', 'text', { required: false }),
      ],
      access: 'observe',
      lockMode: 'ACCESS SHARE',
    };
    const given = Object.fromEntries(names.map((name, at) => [name, texts[at] ?? '']));
    const { steps, problems } = await run(content, { ...given, ...typed, d: '2026-11-30T02:00:00+02:00' });
    expect(problems).toEqual([]);
    const row = {
      ...given,
      b: Number(typed.b),
      c: true,
      e: typed.e,
      f: typed.f.toLowerCase(),
      g: 0.1,
      d: '2026-11-30T00:00:00+00:00',
    };
    expect(steps[0]?.outcome).toMatchObject({ kind: 'done', result: { rows: [{ ...row, nothing: null }] } });
  });

  it('works on exactly the object that is named, however it is called', async () => {
    const { rig, run, plan } = await setup(major);
    const hostile = [
      't"; DROP TABLE x; --',
      "it's",
      'a.b',
      '""',
      'select',
      'Ünï 表',
      '{{t}}',
      '$1',
      '$$',
      "E'\\",
      'x'.repeat(63),
      'new\nline',
    ];
    const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    await rig.sql(hostile.map((name) => `CREATE TABLE public.${quoted(name)} (id int);`).join(''));
    const keys = hostile.map((_, at) => `t${at}`);
    const content: Content = {
      statements: keys.map((key) => `INSERT INTO {{${key}}} VALUES ($${keys.length + 1})`),
      parameters: [...keys.map((key) => parameter(key, 'relation')), parameter('n', 'int8')],
      lockMode: 'ROW EXCLUSIVE',
    };
    const named = (text: (name: string) => string) =>
      Object.fromEntries(keys.map((key, at) => [key, text(hostile[at] ?? '')]));
    const { steps } = await run(content, { ...named((name) => `public.${quoted(name)}`), n: 1 });
    expect(steps.map(({ outcome }) => outcome.kind)).toEqual(hostile.map(() => 'done'));
    expect(steps.map(({ step }) => step.object.name)).toEqual(hostile);
    for (const name of hostile)
      expect(await rig.sql(`SELECT * FROM public.${quoted(name)}`), name).toEqual([{ id: 1 }]);
    const wrong = await plan(content, { ...named((name) => `${quoted(name)} --`), n: 1 });
    expect(wrong.problems).toMatchObject(
      keys.map((key) => ({ pointer: `/parameters/${key}`, code: 'unknown_relation' })),
    );
    const others = [
      'orders; DROP TABLE orders',
      'orders WHERE true',
      'public.orders, public.archive',
      '(SELECT 1)',
      '"orders',
    ];
    const system = ['pg_catalog.pg_class', 'pg_proc', 'information_schema.sql_features'];
    const told = [...others, ...system, ...hostile.slice(8).map(quoted)];
    const { problems } = await plan(content, {
      ...Object.fromEntries(keys.map((key, at) => [key, told[at] ?? ''])),
      n: 1,
    });
    expect(problems.map(({ code }) => code)).toEqual([
      ...others.map(() => 'unknown_relation'),
      ...system.map(() => 'excluded_relation'),
    ]);
  });

  it('finds schemas in the catalogue, too', async () => {
    const { rig, run, plan } = await setup(major);
    await rig.sql('CREATE SCHEMA "S; --"; CREATE TABLE "S; --".orders (id int)');
    const content: Content = {
      statements: ['INSERT INTO {{s}}.orders VALUES (1)'],
      parameters: [parameter('s', 'schema')],
      lockMode: 'ROW EXCLUSIVE',
    };
    for (const s of ['S; --', '"S; --"']) {
      const { steps } = await run(content, { s });
      expect(steps[0]).toMatchObject({
        outcome: { kind: 'done' },
        step: { statements: ['INSERT INTO "S; --".orders VALUES (1)'] },
      });
    }
    for (const s of ['pg_catalog', 'information_schema', 'pg_toast', 's; --', 'public"."orders']) {
      expect((await plan(content, { s })).problems, s).toMatchObject([
        { pointer: '/parameters/s', code: 'unknown_schema' },
      ]);
    }
    await rig.sql('DROP TABLE "S; --".orders');
    expect((await plan(content, { s: 'S; --' })).problems).toMatchObject([
      { pointer: '/template', code: 'unknown_relation' },
    ]);
  });

  it('lets the server itself hold what only observes to reading', async () => {
    const { rig, run, count } = await setup(major);
    const reads: Content = {
      statements: ['SELECT count(*)::int AS n FROM public.counted'],
      access: 'observe',
      lockMode: 'ACCESS SHARE',
    };
    await rig.sql('CREATE VIEW public.counted AS SELECT public.log_it(id) FROM public.orders');
    await expect(run(reads)).rejects.toMatchObject({ sqlState: '25006' });
    expect(await count('public.archive')).toBe(0);
    // What follows in the session may write again.
    const both: Content = {
      statements: ['SELECT 1 AS n', 'DELETE FROM public.orders WHERE id = 1'],
      lockMode: 'ROW EXCLUSIVE',
    };
    expect((await run(both)).steps.map(({ outcome }) => outcome.kind)).toEqual(['done', 'done']);
  });
});

import type { TemplateParameter } from '@slacktide/domain';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { fillStatement, type NamedObject } from './fill-statement.ts';
import { judgeStatement } from './judge-statement.ts';
import { parseSql } from './parse-sql.ts';
import { anyText, parameter } from './template.fixture.ts';

// Loading the parser takes a while where cores are busy.
beforeAll(async () => void (await parseSql('SELECT 1')), 30_000);

const inQuotes = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const relation = (schema: string, name: string): NamedObject => ({
  schema,
  name,
  quoted: `${inQuotes(schema)}.${inQuotes(name)}`,
});

async function fill(
  text: string,
  parameters: readonly TemplateParameter[],
  objects: Readonly<Record<string, NamedObject>> = {},
  maxRows = 100,
) {
  const judgement = await judgeStatement(text, { parameters, access: 'act' });
  if (judgement.kind === 'problems') throw new Error(JSON.stringify(judgement.problems));
  return await fillStatement(judgement.statement, { parameters, objects: new Map(Object.entries(objects)), maxRows });
}

/** A name as PostgreSQL can have one. */
const anyName = fc
  .oneof(
    anyText(1, 20),
    fc.constantFrom(
      't"; DROP TABLE x; --',
      "it's",
      'a.b',
      '""',
      '$$',
      '{{t}}',
      '$1',
      "E'\\",
      'select',
      '/*',
      '--',
      'x'.repeat(63),
    ),
  )
  .filter((name) => !/[\0\p{Cs}]/u.test(name) && Buffer.byteLength(name) <= 63);

/** Statements in which a relation and its schema may be named in every way. */
const statements = [
  'DELETE FROM {{t}} AS o WHERE o.id = $2 OR o.id IN (SELECT id FROM {{s}}.other)',
  'INSERT INTO {{t}} SELECT * FROM {{s}}.other WHERE id < $2',
  'VACUUM (ANALYZE) {{t}}',
  'ANALYZE {{s}}.orders (id)',
  'REINDEX INDEX CONCURRENTLY {{t}}',
  'CREATE INDEX CONCURRENTLY i ON {{t}} (id)',
  'DROP INDEX CONCURRENTLY IF EXISTS {{s}}.i',
  'DROP INDEX {{t}}',
  'ALTER TABLE {{t}} SET (fillfactor = 70)',
  'ALTER INDEX {{t}} RENAME TO other',
  'REFRESH MATERIALIZED VIEW {{t}}',
  "COMMENT ON COLUMN {{t}}.id IS 'a; b'",
  "COMMENT ON INDEX {{s}}.i IS 'x'",
  'SELECT o.*, $2 AS n FROM {{t}} AS o -- {{t}}',
];
const parameters = [parameter('t', 'relation'), parameter('n', 'int8'), parameter('s', 'schema')];

describe('fillStatement', () => {
  it('casts every value to the type that was declared, and numbers those that the statement takes from 1', async () => {
    const given = [parameter('a', 'text'), parameter('b', 'boolean'), parameter('c', 'int8')];
    expect(await fill('UPDATE public.t SET x = $3 WHERE $1 = y AND $3 > 0', given)).toEqual({
      kind: 'filled',
      text: 'UPDATE public.t SET x = ($2::pg_catalog.int8) WHERE ($1::pg_catalog.text) = y AND ($2::pg_catalog.int8) > 0',
      bound: [given[0], given[2]],
      relation: { schema: 'public', name: 't', catalog: undefined },
    });
    expect(await fill('DELETE FROM public.t WHERE x = $2', given)).toMatchObject({
      text: 'DELETE FROM public.t WHERE x = ($1::pg_catalog.bool)',
      bound: [given[1]],
    });
  });

  it('reads one row more of a SELECT than is shown, and all of one that has effects', async () => {
    expect(await fill('SELECT 1 AS "a"', [], {}, 5)).toMatchObject({
      text: 'SELECT pg_catalog.left(pg_catalog.row_to_json(result.*)::pg_catalog.text, 65537) AS "row" FROM (\nSELECT 1 AS "a"\n) AS result LIMIT 6',
    });
    expect(await fill('SELECT public.f()', [])).toMatchObject({
      text: expect.stringContaining(
        'pg_catalog.count(*) OVER ()::pg_catalog.float8 AS total FROM (\nSELECT public.f()\n)',
      ),
    });
  });

  it('is not confused by what stands in quotes, comments and other alphabets', async () => {
    const text = `DELETE FROM {{t}} AS "ü {{t}}" WHERE 'ß $2 {{t}}' <> $$ {{s}} $2 $$ AND id = $2 /* {{s}} $2 ü */ -- $2 {{s}}`;
    const [first, second] = parameters;
    expect(await fill(text, parameters, { t: relation('ü', 'ö') })).toEqual({
      kind: 'filled',
      text: text.replace('{{t}}', '"ü"."ö"').replace('= $2', '= ($1::pg_catalog.int8)'),
      bound: [second],
      relation: { schema: 'ü', name: 'ö', catalog: undefined },
    });
    expect(first?.type).toBe('relation');
  });

  it.each(statements)(
    'keeps the tree, whatever the objects are called: %s',
    async (text) => {
      const judgement = await judgeStatement(text, { parameters, access: 'act' });
      if (judgement.kind === 'problems') throw new Error(JSON.stringify(judgement.problems));
      await fc.assert(
        fc.asyncProperty(anyName, anyName, anyName, async (schema, name, other) => {
          const objects = new Map([
            ['t', relation(schema, name)],
            ['s', { schema: other, name: '', quoted: inQuotes(other) }],
          ]);
          const filled = await fillStatement(judgement.statement, { parameters, objects, maxRows: 100 });
          if (filled.kind !== 'filled') throw new Error(`refused ${schema}.${name}`);
          const parsed = await parseSql(filled.text);
          expect(parsed).toMatchObject({ kind: 'tree', tree: { type: judgement.statement.tree.type } });
        }),
        { numRuns: 40 },
      );
    },
    30_000,
  );

  it('refuses every text for a name that is not exactly that name, should quoting ever fail', async () => {
    const target = { schema: 'public', name: 'orders' };
    const judgement = await judgeStatement('DELETE FROM {{t}} WHERE true', { parameters, access: 'act' });
    if (judgement.kind === 'problems') throw new Error('expected a sound statement');
    const fillAs = async (quoted: string) =>
      await fillStatement(judgement.statement, {
        parameters,
        objects: new Map([['t', { ...target, quoted }]]),
        maxRows: 1,
      });
    for (const same of ['public.orders', '"public"."orders"', 'PUBLIC . orders', 'public/* */.orders']) {
      expect((await fillAs(same)).kind, same).toBe('filled');
    }
    const hostile = [
      'public.orders; DROP TABLE x',
      'public.orders WHERE true; DELETE FROM public.orders',
      'public.orders AS a',
      'ONLY public.orders',
      'public.orders USING public.other',
      'orders',
      'public."Orders"',
      'public.orders WHERE false OR true --',
      "public.orders WHERE pg_read_file('x') = '' --",
      '"public.orders"',
      '',
      '\0',
    ];
    for (const other of hostile) expect((await fillAs(other)).kind, other).toBe('refused');
    await fc.assert(
      fc.asyncProperty(anyText(0, 40), async (quoted) => {
        const filled = await fillAs(quoted);
        const parsed = await parseSql(`DELETE FROM ${quoted} WHERE true`);
        if (filled.kind === 'filled')
          expect(parsed).toMatchObject({ tree: { node: { relation: { relname: 'orders', schemaname: 'public' } } } });
      }),
      { numRuns: 100 },
    );
  }, 30_000);

  it('refuses a marker that somebody wrote by hand', async () => {
    // Decoded by the parser alone: it looks like a place for a name, in which no name is ever put.
    const text = 'DELETE FROM U&"\\007b\\007bt\\007d\\007d" AS o WHERE EXISTS (SELECT FROM public.a AS {{t}})';
    const judgement = await judgeStatement(text, { parameters, access: 'act' });
    if (judgement.kind === 'problems') return;
    const objects = new Map([['t', relation('public', 'orders')]]);
    expect((await fillStatement(judgement.statement, { parameters, objects, maxRows: 1 })).kind).toBe('refused');
  });
});

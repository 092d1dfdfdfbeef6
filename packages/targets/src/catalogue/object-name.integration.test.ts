import type { TargetReader } from '@slacktide/application/ports';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../../test/support/target.ts';
import { createPostgresGateway } from '../postgres-gateway.ts';
import { resolveIndexes } from './indexes.ts';
import { resolveTable, resolveTables } from './tables.ts';

function reading<T>({ address, env }: FreshTarget, use: (reader: TargetReader) => Promise<T>): Promise<T> {
  return createPostgresGateway({ env }).read(address, { applicationName: 'slacktide/test' }, use);
}

/** Makes tables named exactly so, each with an index named after it. */
async function makeTables({ owner }: FreshTarget, names: readonly (readonly [schema: string, name: string])[]) {
  for (const [schema, name] of names) {
    const quoted = `${owner.escapeIdentifier(schema)}.${owner.escapeIdentifier(name)}`;
    await owner.query(`CREATE SCHEMA IF NOT EXISTS ${owner.escapeIdentifier(schema)}`);
    await owner.query(`CREATE TABLE ${quoted} (n int)`);
  }
}

const found = (schema: string, name: string) => ({
  kind: 'found',
  relation: expect.objectContaining({ schema, name, exclusion: null }),
});

const hostile = [
  't"; drop table x; --',
  'a.b',
  'a.b.c',
  'two words',
  'Ünïcodé 表',
  'quo"te',
  "quo'te",
  '"already quoted"',
  'back\\slash',
  'x'.repeat(63),
  `${'é'.repeat(31)}x`,
  'select',
  '$1',
  '<img onerror=x>',
  'line\nbreak',
];

describe.each(majors)('names on PostgreSQL %i', (major) => {
  it('finds every table by what it is called, and quotes it on the server', async () => {
    const target = await freshTarget(major);
    await makeTables(target, [...hostile.map((name) => ['public', name] as const), ['x', 'x']]);
    await reading(target, async (reader) => {
      for (const name of hostile) {
        const expected = found('public', name);
        expect(await resolveTable(reader, name), name).toEqual(expected);
        expect(await resolveTable(reader, `public.${name}`), name).toEqual(expected);
        const resolution = await resolveTable(reader, `public.${target.owner.escapeIdentifier(name)}`);
        expect(resolution, name).toEqual(expected);
        if (resolution.kind !== 'found') continue;
        const { relation } = resolution;
        expect(await resolveTable(reader, relation.quoted)).toEqual(expected);
        // The quoted form names that table and no other.
        expect(await reader.query('SELECT to_regclass($1)::oid AS oid', [relation.quoted])).toEqual([
          { oid: relation.oid },
        ]);
      }
      expect(await resolveTable(reader, 'x')).toEqual(found('x', 'x'));
    });
  });

  it('knows nothing of names that are not there, however they are written', async () => {
    const target = await freshTarget(major);
    await makeTables(target, [
      ['public', 'orders'],
      ['public', 'x'.repeat(63)],
    ]);
    await reading(target, async (reader) => {
      for (const text of [
        'Orders',
        'order',
        'orders; --',
        'other.orders',
        'public.orders.n',
        ' orders',
        "orders' OR ''='",
        '%',
      ]) {
        expect(await resolveTable(reader, text), text).toMatchObject({
          kind: 'unknown',
          detail: expect.stringContaining('none'),
        });
      }
      expect(await resolveTable(reader, 'x'.repeat(64))).toMatchObject({
        kind: 'unknown',
        detail: expect.stringContaining('63'),
      });
      expect(await resolveTable(reader, 'y'.repeat(300))).toMatchObject({
        kind: 'unknown',
        detail: expect.stringContaining('63'),
      });
      expect(await resolveTable(reader, 'or\0ders')).toMatchObject({
        kind: 'unknown',
        detail: expect.stringContaining('NUL'),
      });
      expect(await resolveTable(reader, '')).toMatchObject({
        kind: 'unknown',
        detail: expect.stringContaining('empty'),
      });
      expect(await resolveTable(reader, '\ud800')).toMatchObject({ kind: 'unknown' });
    });
  });

  it('refuses a bare name that two schemas have, and takes the qualified one', async () => {
    const target = await freshTarget(major);
    await makeTables(target, [
      ['a', 'orders'],
      ['B', 'orders'],
      ['public', 'a.orders'],
      ['p.q', 'r'],
      ['p', 'q.r'],
    ]);
    await reading(target, async (reader) => {
      expect(await resolveTable(reader, 'orders')).toMatchObject({
        kind: 'ambiguous',
        candidates: ['"B".orders', 'a.orders'],
      });
      expect(await resolveTable(reader, 'a.orders')).toEqual(found('a', 'orders'));
      expect(await resolveTable(reader, '"a.orders"')).toEqual(found('public', 'a.orders'));
      expect(await resolveTable(reader, 'B.orders')).toEqual(found('B', 'orders'));
      expect(await resolveTable(reader, 'p.q.r')).toMatchObject({
        kind: 'ambiguous',
        candidates: ['"p.q".r', 'p."q.r"'],
      });
      expect(await resolveTable(reader, '"p.q".r')).toEqual(found('p.q', 'r'));
    });
  });

  it('tells what is not ours: the system’s, a session’s, an extension’s; and prefers what is', async () => {
    const target = await freshTarget(major);
    await target.admin.query('CREATE EXTENSION pg_stat_statements');
    await target.admin.query('CREATE TABLE public.of_extension (n int)');
    await target.admin.query('ALTER EXTENSION pg_stat_statements ADD TABLE public.of_extension');
    await target.owner.query('CREATE TEMPORARY TABLE mine (n int); CREATE TABLE public.pg_am (n int)');
    await reading(target, async (reader) => {
      const exclusion = async (text: string) => {
        const resolution = await resolveTable(reader, text);
        return resolution.kind === 'found' ? resolution.relation.exclusion : resolution.kind;
      };
      expect(await exclusion('pg_class')).toBe('system');
      expect(await exclusion('information_schema.sql_features')).toBe('system');
      expect(await exclusion('mine')).toBe('temporary');
      expect(await exclusion('of_extension')).toBe('extension');
      expect(await resolveTable(reader, 'pg_am')).toEqual(found('public', 'pg_am'));
      expect(await resolveTables(reader, ['pg_class', 'none', 'public.pg_am'], '/tables')).toEqual({
        kind: 'refused',
        problems: [
          { pointer: '/tables/0', code: 'excluded_table', detail: expect.stringContaining('system') },
          { pointer: '/tables/1', code: 'unknown_table', detail: expect.stringContaining('"none"') },
        ],
      });
    });
  });

  it('tells tables, views, partitioned tables and indexes apart', async () => {
    const target = await freshTarget(major);
    await target.owner.query(`
      CREATE TABLE public.parted (n int PRIMARY KEY) PARTITION BY RANGE (n);
      CREATE TABLE public.leaf PARTITION OF public.parted FOR VALUES FROM (0) TO (9);
      CREATE VIEW public.looks AS SELECT 1 AS n;
      CREATE MATERIALIZED VIEW public.kept AS SELECT 1 AS n;`);
    await reading(target, async (reader) => {
      expect(await resolveTables(reader, ['parted', 'leaf', 'kept', 'public.leaf'], '/t')).toMatchObject({
        kind: 'resolved',
        tables: [{ relkind: 'p' }, { relkind: 'r' }, { relkind: 'm' }],
      });
      expect(await resolveTable(reader, 'looks')).toMatchObject({ kind: 'unknown' });
      expect(await resolveTable(reader, 'leaf_pkey')).toMatchObject({ kind: 'unknown' });
      expect(await resolveIndexes(reader, ['parted_pkey', 'public.leaf_pkey', 'leaf'])).toMatchObject([
        { kind: 'found', relation: { relkind: 'I' } },
        { kind: 'found', relation: { relkind: 'i' } },
        { kind: 'unknown' },
      ]);
    });
  });
});

it('finds any name there can be, and finds it alone', async () => {
  const target = await freshTarget(18);
  await makeTables(target, [['public', 'bystander']]);
  const name = fc
    .string({ unit: fc.constantFrom(...`aZ0_."'\\;-$ %\n`, 'é', '表', '😀'), minLength: 1, maxLength: 40 })
    .filter((text) => Buffer.byteLength(text) <= 63 && text !== 'bystander');
  await reading(target, (reader) =>
    fc.assert(
      fc.asyncProperty(name, async (text) => {
        await makeTables(target, [['public', text]]);
        const expected = found('public', text);
        const quoted = `public.${target.owner.escapeIdentifier(text)}`;
        try {
          expect(await resolveTable(reader, text)).toEqual(expected);
          expect(await resolveTable(reader, quoted)).toEqual(expected);
          const longer = `${text}x`;
          expect(await resolveTable(reader, longer)).toMatchObject({ kind: 'unknown' });
        } finally {
          await target.owner.query(`DROP TABLE ${quoted}`);
        }
      }),
      { numRuns: 60 },
    ),
  );
});

it('answers for the other names when the database’s encoding lacks a character of one', async () => {
  const target = await freshTarget(18);
  const name = `${target.database}_latin1`;
  await target.admin.query(
    `CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0 OWNER ${target.role}`,
  );
  try {
    const connection = target.address.connection.replace(/[^/]+$/, name);
    await createPostgresGateway({ env: target.env }).read(
      { ...target.address, connection },
      { applicationName: 'slacktide/test' },
      async (reader) => {
        expect(await resolveIndexes(reader, ['表', 'pg_class_oid_index', 'é'])).toMatchObject([
          { kind: 'unknown' },
          { kind: 'found', relation: { exclusion: 'system' } },
          { kind: 'unknown' },
        ]);
      },
    );
  } finally {
    await target.admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  }
});

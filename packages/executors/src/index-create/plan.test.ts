import { describe, expect, it } from 'vitest';
import { indexDefinition } from '../../../checks/test/index-definition.ts';
import type { IndexShapeFacts } from './columns.ts';
import { judgeExisting } from './existing.ts';
import type { IndexCreateFacts } from './facts.ts';
import { planIndexCreate } from './plan.ts';
import { taskType } from './schema.ts';
import type { TreeTable } from './tables.ts';

const mebibyte = 1024 * 1024;

function table(oid: number, changes: Partial<TreeTable> = {}): TreeTable {
  return {
    oid,
    parentOid: oid === 1 ? null : 1,
    schema: 'public',
    name: `t${oid}`,
    quoted: `public.t${oid}`,
    relkind: 'r',
    sizeBytes: 100 * mebibyte,
    rows: 1_000_000,
    permitted: true,
    grant: null,
    columns: { a: 1 },
    partitionKey: [],
    freeName: `t${oid}_a_idx`,
    quotedFreeName: `t${oid}_a_idx`,
    qualifiedFreeName: `public.t${oid}_a_idx`,
    locked: false,
    ...changes,
  };
}

const shape: IndexShapeFacts = {
  keys: [{ name: 'a', sql: 'a', operatorClass: '1976/23/0', collation: 0, ordering: 0 }],
  include: [],
  tail: 'USING btree (a)',
  predicate: null,
  entryBytes: 4,
};
const config = taskType.config.parse({ table: 't1', columns: [{ name: 'a' }] });

function plan(tables: readonly TreeTable[], changes: Partial<IndexCreateFacts> = {}) {
  const facts: IndexCreateFacts = {
    tables,
    shape,
    named: null,
    indexes: [],
    existing: { kind: 'new' },
    madeRedundant: [],
    unsafeServer: false,
    ...changes,
  };
  return planIndexCreate(facts, config);
}

const statements = (made: ReturnType<typeof plan>) => made.steps.map((step) => step.statements);

describe('the plan of INDEX_CREATE', () => {
  it('is one statement on a plain table, with what it costs', () => {
    expect(plan([table(1)])).toEqual({
      steps: [
        {
          key: 'public.t1_a_idx',
          object: { kind: 'index', oid: null, schema: 'public', name: 't1_a_idx' },
          statements: ['CREATE INDEX CONCURRENTLY t1_a_idx ON public.t1 USING btree (a)'],
          lockMode: 'SHARE UPDATE EXCLUSIVE',
          sizeBytes: 22_230_415,
          expectedSeconds: 5,
          reversible: true,
          cost: { action: 'create_index', tempDiskBytes: 44_460_830, walBytes: 22_230_415 },
          data: expect.objectContaining({ table_oid: 1, work: 'build', is_last: true }),
        },
      ],
      checked: 1,
      skipped: [],
      unknown: [],
    });
    expect(plan([table(1, { rows: -1 })]).steps).toMatchObject([
      { sizeBytes: null, cost: { tempDiskBytes: null, walBytes: null } },
    ]);
  });

  it('does nothing on servers that build corrupt indexes, or while a table is locked', () => {
    expect(plan([table(1)], { unsafeServer: true })).toMatchObject({
      steps: [],
      skipped: [{ object: 'public.t1', reason: 'server_14_0_to_14_3' }],
    });
    expect(plan([table(1, { relkind: 'p' }), table(2, { locked: true })])).toMatchObject({
      steps: [],
      unknown: [{ object: 'public.t2', reason: 'locked', grant: null }],
    });
  });

  it('attaches, rebuilds and leaves alone what parts there are', () => {
    const whole = indexDefinition({
      name: 'whole',
      oid: 10,
      partitioned: true,
      valid: false,
      drop: 'DROP INDEX public.whole',
    });
    const part = (name: string, oid: number, tableOid: number, more = {}) =>
      indexDefinition({ name, oid, tableOid, drop: `DROP INDEX CONCURRENTLY public.${name}`, ...more });
    const tables = [table(1, { relkind: 'p' }), table(2), table(3), table(4), table(5), table(6)];
    const made = plan(tables, {
      existing: { kind: 'begun', index: whole },
      indexes: [
        whole,
        part('done', 12, 2, { parentOid: 10 }),
        part('broken', 13, 3, { parentOid: 10, valid: false }),
        part('match', 14, 4),
        part('constraint', 15, 5, { constraint: 'c' }),
        part('elsewhere', 16, 6, { parentOid: 99 }),
      ],
    });
    expect(statements(made)).toEqual([
      ['REINDEX INDEX CONCURRENTLY public.broken', 'ALTER INDEX public.whole ATTACH PARTITION public.broken'],
      ['ALTER INDEX public.whole ATTACH PARTITION public.match'],
      [
        'CREATE INDEX CONCURRENTLY t5_a_idx ON public.t5 USING btree (a)',
        'ALTER INDEX public.whole ATTACH PARTITION public.t5_a_idx',
      ],
      [
        'CREATE INDEX CONCURRENTLY t6_a_idx ON public.t6 USING btree (a)',
        'ALTER INDEX public.whole ATTACH PARTITION public.t6_a_idx',
      ],
    ]);
    expect(made.steps.map(({ data }) => data['is_last'])).toEqual([false, false, false, true]);
  });

  it('keeps a table without the right in the plan, to fail, and tells the cure', () => {
    const made = plan([table(1, { permitted: false, grant: 'GRANT o TO r' })]);
    expect(made.unknown).toEqual([{ object: 'public.t1', reason: 'insufficient_privilege', grant: 'GRANT o TO r' }]);
    expect(made.steps).toMatchObject([{ data: { not_permitted: [{ table: 'public.t1', grant: 'GRANT o TO r' }] } }]);
  });
});

describe('what there is already', () => {
  const judge = (
    indexes: Parameters<typeof judgeExisting>[0]['indexes'],
    more: object = {},
    taken: number | null = null,
  ) =>
    judgeExisting(
      {
        table: table(1),
        indexes,
        shape,
        named:
          taken === null
            ? null
            : { quoted: 'x', qualified: 'public.x', taken: { oid: taken, relkind: 'i', tableOid: 1 } },
      },
      { ...config, ...more },
    );
  const same = indexDefinition({ name: 'same', oid: 5 });
  const wide = indexDefinition({ name: 'wide', oid: 6 }, { column: 1 }, { column: 2 });

  it('is taken for it only when it is just the same', () => {
    expect(judge([same])).toMatchObject({ kind: 'exists' });
    expect(judge([same], { if_exists: 'refuse' })).toMatchObject({ problem: { code: 'index_exists' } });
    expect(judge([same], {}, 5)).toMatchObject({ kind: 'exists' });
    expect(judge([wide], {}, 6)).toMatchObject({ problem: { pointer: '/name', code: 'name_taken' } });
    expect(judge([{ ...same, valid: false }], {}, 5)).toMatchObject({ problem: { code: 'invalid_index' } });
    expect(judge([{ ...same, valid: false }])).toEqual({ kind: 'new' });
  });

  it('refuses what a wider one does, but for what is to be unique', () => {
    expect(judge([wide])).toMatchObject({
      problem: { code: 'redundant_index', detail: expect.stringContaining('public.wide') },
    });
    expect(judge([wide], { allow_redundant: true })).toEqual({ kind: 'new' });
    expect(judge([wide], { unique: true })).toEqual({ kind: 'new' });
    expect(judge([{ ...wide, valid: false }])).toEqual({ kind: 'new' });
    expect(judge([{ ...wide, tableOid: 7 }])).toEqual({ kind: 'new' });
  });
});

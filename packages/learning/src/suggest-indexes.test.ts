import { describe, expect, it } from 'vitest';
import { queryShape } from './query-shape.ts';
import { suggestIndexes, type TableFacts } from './suggest-indexes.ts';

function table(
  name: string,
  indexes: readonly (readonly string[])[] = [],
  changes: Partial<TableFacts> = {},
): TableFacts {
  const columns = Object.entries({ id: 1e6, customer_id: 5e4, status: 4, created_at: 9e5, note: null, blob: null });
  return {
    schema: 'public',
    name,
    rows: 1_000_000,
    writesPerDay: 10,
    columns: new Map(
      columns.map(([column, distinctValues]) => [column, { distinctValues, sortable: column !== 'blob' }]),
    ),
    indexes: indexes.map((columns) => ({ columns })),
    ...changes,
  };
}

async function suggest(sql: string | readonly string[], tables: readonly TableFacts[] = [table('orders')]) {
  const statements = [];
  for (const [at, text] of [sql].flat().entries()) {
    const shape = await queryShape(text);
    if (shape === undefined) throw new Error(`no shape of ${text}`);
    statements.push({ id: `s${at}`, shape, calls: 10, totalMs: 1_000 });
  }
  return suggestIndexes(statements, tables);
}
const columnsOf = async (...given: Parameters<typeof suggest>) =>
  (await suggest(...given)).map(({ columns }) => columns);

describe('suggestIndexes', () => {
  it.each([
    ['customer_id = $1', [['customer_id']]],
    ['status = $1 AND customer_id = $2', [['customer_id', 'status']]],
    ['customer_id = $1 AND created_at > $2', [['customer_id', 'created_at']]],
    ['customer_id = $1 ORDER BY created_at DESC', [['customer_id', 'created_at']]],
    ['customer_id = $1 AND created_at > $2 ORDER BY id', [['customer_id', 'created_at']]],
    ['note = $1', [['note']]],
  ])('for WHERE %s suggests %j', async (condition, expected) => {
    expect(await columnsOf(`SELECT id FROM orders WHERE ${condition}`)).toEqual(expected);
  });

  it.each([
    ['nothing is compared', 'SELECT * FROM orders'],
    ['too many rows have the value', 'SELECT * FROM orders WHERE status = $1'],
    ['a range alone leaves what nobody knows', 'SELECT * FROM orders WHERE created_at > $1'],
    ['it is a disjunction', 'SELECT * FROM orders WHERE customer_id = $1 OR note = $2'],
    ['the column cannot be sorted', 'SELECT * FROM orders WHERE blob = $1'],
    ['the table is unknown', 'SELECT * FROM elsewhere WHERE customer_id = $1'],
    ['the column is not said to be of the table', 'SELECT 1 FROM orders, other WHERE customer_id = $1'],
  ])('suggests nothing when %s', async (_, sql) => {
    expect(await suggest(sql)).toEqual([]);
  });

  it('suggests nothing for small tables, or a name that two schemas have', async () => {
    const sql = 'SELECT 1 FROM orders WHERE customer_id = $1';
    expect(await suggest(sql, [table('orders', [], { rows: 500 })])).toEqual([]);
    expect(await suggest(sql, [table('orders'), table('orders', [], { schema: 'old' })])).toEqual([]);
    const qualified = 'SELECT 1 FROM old.orders WHERE customer_id = $1';
    expect(await suggest(qualified, [table('orders'), table('orders', [], { schema: 'old' })])).toMatchObject([
      { schema: 'old', columns: ['customer_id'] },
    ]);
  });

  it('never suggests what an index serves already, in whatever order it has the equality columns', async () => {
    const sql = 'SELECT 1 FROM orders WHERE customer_id = $1 AND note = $2 AND created_at > $3';
    expect(await columnsOf(sql, [table('orders', [['note', 'customer_id', 'created_at']])])).toEqual([]);
    expect(await columnsOf(sql, [table('orders', [['customer_id', 'note', 'created_at', 'id']])])).toEqual([]);
    expect(await columnsOf(sql, [table('orders', [['customer_id']])])).toEqual([['customer_id', 'note', 'created_at']]);
    expect(
      await columnsOf('SELECT 1 FROM orders WHERE customer_id = $1', [table('orders', [['customer_id', 'id']])]),
    ).toEqual([]);
  });

  it('serves several statements with one index, and joins from the side that lacks one', async () => {
    const [first, ...others] = await suggest([
      'SELECT 1 FROM orders WHERE customer_id = $1',
      'SELECT 1 FROM orders WHERE customer_id = $1 ORDER BY created_at',
    ]);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ columns: ['customer_id', 'created_at'], statements: ['s1', 's0'], totalMs: 2_000 });

    const join = 'SELECT 1 FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.id = $1';
    expect(await suggest(join, [table('orders'), table('customers', [['id']])])).toMatchObject([
      { table: 'orders', columns: ['customer_id'], expectedShare: 1 / 5e4 },
    ]);
  });
});

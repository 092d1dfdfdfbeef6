import { describe, expect, it } from 'vitest';
import { queryShape } from './query-shape.ts';

describe('queryShape', () => {
  it('sees tables, joins and how columns are compared, without any value', async () => {
    const shape = await queryShape(
      `SELECT o.id, c.name FROM shop.orders o JOIN customers c ON c.id = o.customer_id
       WHERE o.status = 'open' AND o.created_at > $1 AND c.name LIKE $2 ORDER BY o.created_at DESC LIMIT 10`,
    );
    expect(shape).toMatchObject({
      kind: 'select',
      hasWhere: true,
      hasLimit: true,
      selectsAll: false,
      counts: { relations: 2, joins: 1, subqueries: 0, patternMatches: 1, sorts: 1, alternatives: 0 },
    });
    expect(shape?.scopes).toEqual([
      {
        relations: [
          { schema: 'shop', name: 'orders', alias: 'o' },
          { schema: null, name: 'customers', alias: 'c' },
        ],
        uses: [
          { relation: 'c', column: 'id', how: 'equality' },
          { relation: 'o', column: 'customer_id', how: 'equality' },
          { relation: 'o', column: 'status', how: 'equality' },
          { relation: 'o', column: 'created_at', how: 'range' },
          { relation: 'o', column: 'created_at', how: 'sort' },
        ],
      },
    ]);
    expect(JSON.stringify(shape)).not.toContain('open');
  });

  it.each([
    ['a = $1 OR b = $2', []],
    ['lower(a) = $1', []],
    ['a IN ($1, $2)', [['a', 'equality']]],
    ['a = ANY ($1)', [['a', 'equality']]],
    ['a NOT IN ($1)', []],
    ['a <> $1', []],
    ['a BETWEEN $1 AND $2', [['a', 'range']]],
    [
      'a IS NULL AND b >= $1',
      [
        ['a', 'equality'],
        ['b', 'range'],
      ],
    ],
    ['$1 = a', [['a', 'equality']]],
    [
      '(a = $1 AND (b = $2 AND c < $3))',
      [
        ['a', 'equality'],
        ['b', 'equality'],
        ['c', 'range'],
      ],
    ],
  ])('of WHERE %s an index could serve %j', async (condition, uses) => {
    const shape = await queryShape(`SELECT 1 FROM t WHERE ${condition}`);
    expect(shape?.scopes[0]?.uses.map(({ column, how }) => [column, how])).toEqual(uses);
  });

  it('sees each level by itself, and writing statements too', async () => {
    const nested = await queryShape('SELECT * FROM a WHERE a.x IN (SELECT y FROM b WHERE b.z = $1)');
    expect(nested).toMatchObject({ selectsAll: true, counts: { subqueries: 1, relations: 2 } });
    expect(nested?.scopes.map(({ relations }) => relations.map(({ name }) => name))).toEqual([['a'], ['b']]);
    expect(await queryShape('UPDATE t SET a = $1 WHERE b = $2')).toMatchObject({
      kind: 'update',
      scopes: [{ relations: [{ name: 't' }], uses: [{ column: 'b', how: 'equality' }] }],
    });
    expect(await queryShape('DELETE FROM t')).toMatchObject({ kind: 'delete', hasWhere: false });
    expect(await queryShape('INSERT INTO t SELECT * FROM u')).toMatchObject({ kind: 'insert' });
    expect(await queryShape('WITH x AS (SELECT 1) SELECT count(*) OVER () FROM x')).toMatchObject({
      counts: { windows: 1 },
    });
  });

  it.each(['', 'SELECT FROM WHERE', 'SELECT 1; SELECT 2', 'nonsense $'])('knows no shape of %j', async (sql) => {
    expect(await queryShape(sql)).toBeUndefined();
  });
});

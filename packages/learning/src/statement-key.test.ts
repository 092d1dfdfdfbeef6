import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type StatementText, statementKey } from './statement-key.ts';

const keyOf = (query: string, others: Partial<StatementText> = {}) =>
  statementKey({ role: 'app', topLevel: true, query, ...others });

describe('statementKey', () => {
  it.each([
    ['spelling', 'SELECT a FROM t WHERE b = $1', 'select  a\nfrom "t"\twhere (b=$1);'],
    ['comments', 'SELECT a FROM t WHERE b = $1', '/* report 7 */ SELECT a -- all\n FROM t WHERE b = $1'],
    ['literals', "SELECT a FROM t WHERE b = 'x'", 'SELECT a FROM t WHERE b = $1'],
    ['numbers of parameters', 'SELECT $1 FROM t WHERE b = $2', 'SELECT $3 FROM t WHERE b = $1'],
    [
      'what 18 makes of a list',
      'SELECT 1 FROM t WHERE b IN ($1, $2, $3)',
      'SELECT 1 FROM t WHERE b IN ($1 /*, ... */)',
    ],
    [
      'and of an array',
      'SELECT 1 FROM t WHERE b = ANY (ARRAY[$1, $2])',
      'SELECT 1 FROM t WHERE b = ANY (ARRAY[$1 /*, ... */])',
    ],
    [
      'and of a list with casts',
      'SELECT 1 FROM t WHERE b IN ($1::int, $2::int)',
      'SELECT 1 FROM t WHERE b IN ($1 /*, ... */::int)',
    ],
    ['rows of VALUES', 'INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)', 'INSERT INTO t (a, b) VALUES ($1, $2)'],
    ['where a parameter stands for a typed literal', "SELECT now() - interval '1 day'", 'SELECT now() - interval $1'],
  ])('is the same whatever the %s', async (_, one, other) => {
    const key = await keyOf(one);
    expect(key).toMatch(/^[0-9a-f]{16}$/);
    expect(await keyOf(other)).toBe(key);
  });

  it.each([
    ['table', 'SELECT a FROM t WHERE b = $1', 'SELECT a FROM u WHERE b = $1'],
    ['table behind an alias', 'SELECT x.a FROM t x WHERE x.b = $1', 'SELECT x.a FROM u x WHERE x.b = $1'],
    ['table by its number', 'SELECT a FROM orders_2024', 'SELECT a FROM orders_2025'],
    ['schema', 'SELECT a FROM one.t', 'SELECT a FROM two.t'],
    ['column', 'SELECT a FROM t WHERE b = $1', 'SELECT a FROM t WHERE c = $1'],
    ['column in a list', 'SELECT 1 FROM t WHERE $1 IN (a, b)', 'SELECT 1 FROM t WHERE $1 IN (a, c)'],
    ['operator', 'SELECT a FROM t WHERE b = $1', 'SELECT a FROM t WHERE b > $1'],
    ['order', 'SELECT a FROM t ORDER BY b', 'SELECT a FROM t ORDER BY b DESC'],
    ['number of arguments', 'SELECT f($1)', 'SELECT f($1, $2)'],
    ['number of conditions', 'SELECT a FROM t WHERE b = $1', 'SELECT a FROM t WHERE b = $1 AND b = $2'],
  ])('is another for another %s', async (_, one, other) => {
    expect(await keyOf(one)).not.toBe(await keyOf(other));
  });

  it('is another for another role, and inside a function', async () => {
    const key = await keyOf('SELECT 1');
    expect(await keyOf('SELECT 1', { role: 'batch' })).not.toBe(key);
    expect(await keyOf('SELECT 1', { topLevel: false })).not.toBe(key);
  });

  it('holds nothing of a literal', async () => {
    const literal = (text: string) => `'${text.replaceAll("'", "''").replaceAll('\0', '')}'`;
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.integer(), async (text, number) => {
        const query = `SELECT ${literal(text)} FROM t WHERE a = ${Math.abs(number)} AND b IN (${literal(text)}, 'x')`;
        expect(await keyOf(query)).toBe(await keyOf(`SELECT $1 FROM t WHERE a = $2 AND b IN ($3)`));
      }),
    );
  });

  it.each(['', 'SELECT FROM WHERE', 'SELECT 1; SELECT 2', "SELECT 'cut o"])('there is none of %j', async (query) => {
    expect(await keyOf(query)).toBeUndefined();
  });
});

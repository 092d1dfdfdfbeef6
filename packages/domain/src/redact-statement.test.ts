import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactStatement } from './redact-statement.ts';

describe('redactStatement', () => {
  it.each([
    ["SELECT * FROM t WHERE name = 'O''Brien' AND n = 42", 'SELECT * FROM t WHERE name = ? AND n = ?'],
    ["SELECT E'it\\'s secret', b'101', U&'d\\0061t'", 'SELECT ?, ?, ?'],
    ['SELECT $1, $2::int, t1.c2 FROM t1', 'SELECT $1, $2::int, t1.c2 FROM t1'],
    ['SELECT 1.5e10, 0x1F, 1_000, -7', 'SELECT ?, ?, ?, -?'],
    ["DO $body$ secret 'x' $body$", 'DO ?'],
    ["SELECT $$secret$$ || 'x'", 'SELECT ? || ?'],
    [`SELECT "it's", 'secret' FROM "we""ird; --"`, `SELECT "it's", ? FROM "we""ird; --"`],
    ['SELECT 1 /* user=secret */ -- secret\n FROM t', 'SELECT ? FROM t'],
    ["ALTER ROLE x PASSWORD 'secr", 'ALTER ROLE x PASSWORD ?'],
    ["SELECT 'a\\', ' secret'", 'SELECT ?'],
    ["SELECT /* a /* b */ secret */ 'x'", 'SELECT ?'],
    ["SELECT name'secret'", 'SELECT name?'],
  ])('makes of %s', (statement, shown) => {
    expect(redactStatement(statement)).toBe(shown);
  });

  it('shows 200 characters at most', () => {
    expect(redactStatement(`SELECT ${'a, '.repeat(200)}`)).toHaveLength(200);
  });

  it('never shows what a literal holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.constantFrom('n = ', 'f(', 'DATE '), (before, after, lead) => {
        const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;
        const statement = `SELECT ${lead}${literal(`${before}secret${after}`)}, ${literal(`${after}secret`)}`;
        expect(redactStatement(statement)).not.toContain('secret');
      }),
    );
  });
});

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseSql, scanSql } from './parse-sql.ts';
import { anyText } from './template.fixture.ts';

// Loading the parser takes a while where cores are busy.
beforeAll(async () => void (await parseSql('SELECT 1')), 30_000);

describe('parseSql', () => {
  it('does not load the parser before somebody parses', () => {
    const script = `
await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
const { createRequire } = await import('node:module');
process.stdout.write(String(Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('libpg-query'))));`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })).toBe('false');
  }, 30_000);

  it('leaves positions out, so that a tree tells nothing of how the text is laid out', async () => {
    expect(await parseSql('SELECT  a /* x */ FROM\n b')).toEqual(await parseSql('select a from b'));
    expect(await parseSql('SELECT ARRAY[1, 2], x IN (1,2)')).toEqual(await parseSql('SELECT ARRAY[ 1,2 ],x in(1, 2)'));
  });

  it('takes a deep text for a problem, and the next one for what it is', async () => {
    const deep = [`${'('.repeat(20_000)}1`, `1${'+1'.repeat(20_000)}`, `${'NOT '.repeat(5_000)} true`];
    for (const text of deep) {
      expect((await parseSql(`SELECT ${text}`)).kind).toBe('problem');
      expect(await parseSql('SELECT 1')).toMatchObject({ kind: 'tree', tree: { type: 'SelectStmt' } });
    }
  }, 30_000);

  it('throws at no text', async () => {
    await fc.assert(
      fc.asyncProperty(anyText(0, 60), async (text) => {
        expect(['tree', 'problem']).toContain((await parseSql(text)).kind);
        await scanSql(text);
      }),
      { numRuns: 100 },
    );
  }, 30_000);
});

import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { openRig } from '../../test/target-rig.ts';
import { queryAssessment } from './index.ts';

describe.each(majors)('QUERY_ASSESSMENT on PostgreSQL %i', (major) => {
  it('plans a statement without running it, and leaves out what would run code of others', async () => {
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(`CREATE TABLE orders (id int PRIMARY KEY, note text);
      INSERT INTO orders SELECT n, 'x' FROM generate_series(1, 150000) n; ANALYZE orders`);
    const judge = async (sql: string) => {
      const { plan, problems } = await rig.plan(queryAssessment, { sql });
      return plan?.steps[0]?.data['assessment'] ?? problems;
    };
    expect(await judge('SELECT note FROM orders WHERE id = 7')).toMatchObject({
      risk: 'low',
      model: null,
      similar: [],
    });
    expect(await judge('SELECT count(*) FROM orders')).toMatchObject({
      risk: 'medium',
      plan: { largest_scan_rows: expect.any(Number), nodes: expect.arrayContaining(['Seq Scan']) },
    });
    expect(await judge('DELETE FROM orders')).toMatchObject({ risk: 'high' });
    expect(await rig.sql('SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 150_000 }]);
    expect(await judge('SELECT * FROM no_such_table')).toMatchObject({
      risk: 'unknown',
      reasons: ['it was not planned: not_plannable 42P01'],
    });
    for (const sql of ['SELECT 1; DELETE FROM orders', 'DROP TABLE orders', 'nonsense']) {
      expect(await judge(sql)).toMatchObject([{ pointer: '/sql', code: 'not_one_statement' }]);
    }
  });
});

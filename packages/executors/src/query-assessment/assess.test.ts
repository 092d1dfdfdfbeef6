import type { Learning } from '@slacktide/application/ports';
import { queryShape } from '@slacktide/learning';
import { describe, expect, it } from 'vitest';
import { type AssessmentFacts, assess } from './assess.ts';

const plan = { totalCost: 10, rows: 1, largestScanRows: 0, nestedLoops: 0, sorts: 0, nodes: ['Index Scan'] };
const slowPattern: Learning = {
  id: '1',
  targetId: 'shop',
  kind: 'pattern',
  key: 'abc',
  value: { kind: 'slow', mean_ms: 812, query: 'SELECT * FROM orders WHERE note = $1' },
  firstLearnedAt: new Date(0),
  learnedAt: new Date(0),
};

async function judged(sql: string, changes: Partial<AssessmentFacts> = {}) {
  const shape = await queryShape(sql);
  if (shape === undefined) throw new Error(`no shape of ${sql}`);
  return assess({ shape, plan, unplanned: null, model: null, similar: [], ...changes });
}

describe('assess', () => {
  it('finds nothing against a statement whose plan is cheap', async () => {
    expect(await judged('SELECT 1 FROM orders WHERE id = 1')).toMatchObject({ risk: 'low', reasons: [], model: null });
  });

  it.each([
    ['DELETE FROM orders', {}, 'high', 'a delete of every row'],
    ['UPDATE orders SET n = 1', {}, 'high', 'an update of every row'],
    ['SELECT 1 FROM orders', { plan: { ...plan, largestScanRows: 200_000 } }, 'medium', 'reads a table whole'],
    ['SELECT 1 FROM orders', { plan: { ...plan, largestScanRows: 2e6 } }, 'high', 'gives 2000000 rows'],
    ['SELECT 1 FROM orders', { plan: { ...plan, totalCost: 5e6 } }, 'medium', 'costs 5000000'],
    ['SELECT 1 FROM orders', { similar: [slowPattern] }, 'medium', '1 statements on the same tables were slow'],
  ] as const)('%s with %j is %s', async (sql, changes, risk, reason) => {
    const found = await judged(sql, changes);
    expect(found).toMatchObject({ risk, reasons: expect.arrayContaining([expect.stringContaining(reason)]) });
  });

  it('does not pretend to know a statement that cannot be planned', async () => {
    expect(await judged('SELECT 1 FROM nowhere', { plan: null, unplanned: 'not_plannable 42P01' })).toMatchObject({
      risk: 'unknown',
      plan: null,
      reasons: ['it was not planned: not_plannable 42P01'],
    });
  });

  it('tells the score of a model that lost to its rule, and does not use it', async () => {
    const score = { accuracy: 0.5, precision: null, recall: 0, f1: 0 };
    const rule = { name: 'plan_cost', threshold: 1, score: { ...score, f1: 1 } };
    const model = { trainedAt: '', samples: 60, slowSamples: 3, features: [], score, rule, used: false, forest: null };
    expect(await judged('SELECT 1 FROM orders', { model })).toMatchObject({
      risk: 'low',
      model: { used: false, probability: null, accuracy: 0.5, rule: 'plan_cost' },
    });
  });
});

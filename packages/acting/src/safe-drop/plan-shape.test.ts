import { describe, expect, it } from 'vitest';
import { isWorsePlan, type PlanShape, toPlanShape } from './plan-shape.ts';

const costs = (totalCost: number): PlanShape => ({ totalCost, nodes: [], tables: [] });

describe('toPlanShape', () => {
  it('tells cost, nodes with their indexes, and tables', () => {
    const scan = { 'Node Type': 'Index Scan', 'Total Cost': 8.3, 'Index Name': 'i', Schema: 's', 'Relation Name': 't' };
    expect(toPlanShape([{ Plan: { 'Node Type': 'Sort', 'Total Cost': 9, Plans: [scan] } }])).toEqual({
      totalCost: 9,
      nodes: ['Sort', 'Index Scan (i)'],
      tables: [{ schema: 's', name: 't' }],
    });
  });
});

describe('isWorsePlan', () => {
  it.each([
    [100, 120, 20, false],
    [100, 120.1, 20, true],
    [100, 90, 0, false],
    [8.3, 9.2, 0, false],
    [8.3, 9.4, 0, true],
    [0.3, 1_000, 10_000, true],
  ])('of %d and then %d, with %d percent granted: %s', (before, after, percent, worse) =>
    expect(isWorsePlan(costs(before), costs(after), percent)).toBe(worse),
  );
});

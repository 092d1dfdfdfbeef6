import type { PlannedStatement } from '@slacktide/acting';
import { describe, expect, it } from 'vitest';
import { compareCosts } from './prove.ts';

const costs = (...totals: readonly number[]): readonly PlannedStatement[] =>
  totals.map((totalCost) => ({
    kind: 'planned',
    plan: { totalCost, rows: 1, largestScanRows: 0, nestedLoops: 0, sorts: 0, nodes: [] },
  }));
const leftOut = (reason: string): PlannedStatement => ({ kind: 'left_out', reason });

describe('compareCosts', () => {
  it.each([
    ['a statement that gains a tenth', [100], [90], { kind: 'proven', cost_before: 100, cost_after: 90 }],
    ['one that gains hardly anything', [100], [91], { kind: 'of_no_use' }],
    ['one that gets worse', [100], [200], { kind: 'of_no_use' }],
    [
      'one that gains beside one that costs a thousand times as much',
      [1e6, 1_000],
      [1e6, 5],
      { kind: 'proven', cost_before: 1_000, cost_after: 5, statements: 1 },
    ],
  ])('judges %s', (_, before, after, expected) => {
    expect(compareCosts(costs(...before), costs(...after))).toMatchObject(expected);
  });

  it('says why it cannot tell, and does not take what was not planned for useless', () => {
    const hidden = leftOut('not_plannable 42501');
    expect(compareCosts([hidden], [hidden])).toMatchObject({
      kind: 'unproven',
      reason: 'the statements cannot be planned: not_plannable 42501',
    });
    expect(compareCosts([...costs(100), hidden], [...costs(100), hidden])).toMatchObject({
      kind: 'unproven',
      reason: expect.stringContaining('others cannot: not_plannable 42501'),
    });
    expect(compareCosts([...costs(100), hidden], [...costs(1), hidden])).toMatchObject({ kind: 'proven' });
    // Dropped, between the two looks, by somebody else.
    expect(compareCosts(costs(100), [leftOut('not_plannable 42P01')])).toMatchObject({ kind: 'unproven' });
  });
});

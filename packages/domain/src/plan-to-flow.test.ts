import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FlowTask, type FlowTree, planToFlow } from './plan-to-flow.ts';

/** Any DAG: each task needs some of those before it in one order, and stands anywhere in the list. */
const anyPlan: fc.Arbitrary<readonly FlowTask[]> = fc
  .integer({ min: 1, max: 12 })
  .chain((size) =>
    fc.tuple(
      fc.tuple(
        ...Array.from({ length: size }, (_, index) =>
          fc.uniqueArray(fc.nat(Math.max(0, index - 1)), { maxLength: index }),
        ),
      ),
      fc.shuffledSubarray(
        Array.from({ length: size }, (_, index) => index),
        { minLength: size },
      ),
    ),
  )
  .map(([needs, order]) =>
    order.map((index) => ({ key: `t${index}`, needs: (needs[index] ?? []).map((need) => `t${need}`) })),
  );

/** Keys above each key, that is what runs after it. */
function ancestors(trees: readonly FlowTree[]): Map<string, ReadonlySet<string>> {
  const above = new Map<string, ReadonlySet<string>>();
  const walk = (tree: FlowTree, path: readonly string[]) => {
    if (above.has(tree.key)) throw new Error(`${tree.key} appears twice`);
    above.set(tree.key, new Set(path));
    for (const child of tree.children) walk(child, [...path, tree.key]);
  };
  for (const tree of trees) walk(tree, []);
  return above;
}
const leaf = (key: string): FlowTree => ({ key, children: [] });

describe('planToFlow', () => {
  test('a sequence becomes a chain whose last task is the root', () => {
    const plan = [
      { key: 'a', needs: [] },
      { key: 'b', needs: ['a'] },
      { key: 'c', needs: ['b'] },
    ];
    expect(planToFlow(plan)).toEqual([{ key: 'c', children: [{ key: 'b', children: [leaf('a')] }] }]);
  });

  test('independent tasks stay side by side, and a forest comes back unchanged', () => {
    const plan = [
      { key: 'a', needs: [] },
      { key: 'b', needs: [] },
      { key: 'c', needs: ['a', 'b'] },
      { key: 'd', needs: [] },
    ];
    expect(planToFlow(plan)).toEqual([{ key: 'c', children: [leaf('a'), leaf('b')] }, leaf('d')]);
  });

  test('a diamond gets an order between its sides', () => {
    const plan = [
      { key: 'top', needs: [] },
      { key: 'left', needs: ['top'] },
      { key: 'right', needs: ['top'] },
      { key: 'end', needs: ['left', 'right'] },
    ];
    const above = ancestors(planToFlow(plan));
    expect(above.get('top')).toEqual(new Set(['end', 'left', 'right']));
  });

  test('respects every need of any DAG, with each task once, and always gives the same trees', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const trees = planToFlow(plan);
        const above = ancestors(trees);
        expect(new Set(above.keys())).toEqual(new Set(plan.map(({ key }) => key)));
        for (const { key, needs } of plan) for (const need of needs) expect(above.get(need)?.has(key)).toBe(true);
        expect(planToFlow(structuredClone(plan))).toEqual(trees);
      }),
      { numRuns: 300 },
    );
  });

  test('keeps a forest as parallel as it is', () => {
    const anyForest = fc
      .array(fc.option(fc.nat(), { freq: 4 }), { minLength: 1, maxLength: 15 })
      .map((parents) => parents.map((parent, index) => (index > 0 && parent !== null ? parent % index : null)));
    fc.assert(
      fc.property(anyForest, (parents) => {
        const plan = parents.map((_, index) => ({
          key: `t${index}`,
          needs: parents.flatMap((parent, child) => (parent === index ? [`t${child}`] : [])),
        }));
        const above = ancestors(planToFlow(plan));
        for (const [index, parent] of parents.entries()) {
          const expected = new Set<string>();
          for (let at = parent; at !== null && at !== undefined; at = parents[at] ?? null) expected.add(`t${at}`);
          expect(above.get(`t${index}`)).toEqual(expected);
        }
      }),
    );
  });

  test.each([
    [
      'a duplicate key',
      [
        { key: 'a', needs: [] },
        { key: 'a', needs: [] },
      ],
      /duplicate/,
    ],
    ['an unknown need', [{ key: 'a', needs: ['x'] }], /unknown task x/],
    ['a need of itself', [{ key: 'a', needs: ['a'] }], /cycle/],
    [
      'a cycle',
      [
        { key: 'a', needs: ['b'] },
        { key: 'b', needs: ['a'] },
      ],
      /cycle among a, b/,
    ],
  ])('throws on %s', (_, plan, message) => {
    expect(() => planToFlow(plan)).toThrow(message);
  });
});

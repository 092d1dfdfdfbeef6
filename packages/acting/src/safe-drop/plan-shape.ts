import { z } from 'zod';

/** A plan as EXPLAIN (FORMAT JSON, VERBOSE) tells it, as far as we look at it. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Total Cost': number;
  readonly Schema?: string | undefined;
  readonly 'Relation Name'?: string | undefined;
  readonly 'Index Name'?: string | undefined;
  readonly Plans?: readonly PlanNode[] | undefined;
}
const planNode: z.ZodType<PlanNode> = z.object({
  'Node Type': z.string(),
  'Total Cost': z.number(),
  Schema: z.string().optional(),
  'Relation Name': z.string().optional(),
  'Index Name': z.string().optional(),
  get Plans() {
    return z.array(planNode).optional();
  },
});
const explained = z.tuple([z.object({ Plan: planNode })]);

/** What two plans of a statement are compared by. */
export interface PlanShape {
  readonly totalCost: number;
  /** Kinds of its nodes with the indexes they use, outermost first, e.g. `Index Scan (orders_customer)`. */
  readonly nodes: readonly string[];
  /** Tables it reads or writes: schema and name, as the catalogue has them. */
  readonly tables: readonly { readonly schema: string; readonly name: string }[];
}

/** The shape of a plan that EXPLAIN (FORMAT JSON, VERBOSE) returned. */
export function toPlanShape(json: unknown): PlanShape {
  const [{ Plan: root }] = explained.parse(json);
  const nodes = flatten(root);
  return {
    totalCost: root['Total Cost'],
    nodes: nodes.map((node) => {
      const index = node['Index Name'];
      return index === undefined ? node['Node Type'] : `${node['Node Type']} (${index})`;
    }),
    tables: nodes.flatMap(({ Schema: schema, 'Relation Name': name }) =>
      schema === undefined || name === undefined ? [] : [{ schema, name }],
    ),
  };
}

function flatten(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

/** A page read in order, in the planner's units: what costs less more costs as much. */
const leastIncrease = 1;

/** Whether a plan costs more by so many percent that the difference is one. */
export function isWorsePlan(before: PlanShape, after: PlanShape, maxIncreasePercent: number): boolean {
  const increase = after.totalCost - before.totalCost;
  return increase > Math.max(leastIncrease, (before.totalCost * maxIncreasePercent) / 100);
}

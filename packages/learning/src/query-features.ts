import type { QueryShape } from './query-shape.ts';

/** What EXPLAIN says of a statement, without running it. Null = it could not be explained. */
export interface PlanFigures {
  readonly totalCost: number;
  readonly rows: number;
  /** Rows of the largest table that is read whole; 0 = none is. */
  readonly largestScanRows: number;
  readonly nestedLoops: number;
  readonly sorts: number;
}

/** What a statement is judged by, in this order; a figure that is not known is −1. */
export const featureNames = [
  'relations',
  'joins',
  'subqueries',
  'conditions',
  'alternatives',
  'functions_in_conditions',
  'pattern_matches',
  'aggregates',
  'windows',
  'sorts',
  'writes',
  'writes_without_where',
  'has_limit',
  'distinct_or_grouped',
  'selects_all',
  'plan_cost',
  'plan_rows',
  'scanned_rows',
  'plan_nested_loops',
  'plan_sorts',
] as const;

/** One statement as numbers. Costs and rows by their order of magnitude. */
export function queryFeatures(shape: QueryShape, plan: PlanFigures | null): readonly number[] {
  const { counts } = shape;
  const writes = shape.kind === 'update' || shape.kind === 'delete' || shape.kind === 'insert';
  return [
    counts.relations,
    counts.joins,
    counts.subqueries,
    counts.conditions,
    counts.alternatives,
    counts.functionsInConditions,
    counts.patternMatches,
    counts.aggregates,
    counts.windows,
    counts.sorts,
    flag(writes),
    flag(writes && shape.kind !== 'insert' && !shape.hasWhere),
    flag(shape.hasLimit),
    flag(shape.isDistinct || shape.isGrouped),
    flag(shape.selectsAll),
    magnitude(plan?.totalCost),
    magnitude(plan?.rows),
    magnitude(plan?.largestScanRows),
    plan?.nestedLoops ?? -1,
    plan?.sorts ?? -1,
  ];
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}

function magnitude(value: number | undefined): number {
  return value === undefined ? -1 : Math.log10(1 + Math.max(0, value));
}

import { fieldOf, isNode, nodesOf, parseNodeTree, type TreeNode } from './node-tree.ts';

/** A column of a view that shows a column of a relation as it is. */
export interface ShownColumn {
  /** Number in the view. */
  readonly attribute: number;
  /** OID of the relation; null = of something without columns of its own, such as a subquery. */
  readonly relation: number | null;
  readonly column: number;
}

/** What the query of a view says of its rows. */
export interface QueryKeys {
  /** By GROUP BY or DISTINCT no two rows have the same values in these columns; null = it has neither, or does not show them all. */
  readonly distinct: readonly number[] | null;
  readonly shown: readonly ShownColumn[];
}

/** Reads it from the view's rule (pg_rewrite.ev_action). */
export function queryKeysOf(rule: string): QueryKeys {
  const tree = parseNodeTree(rule);
  const [query] = Array.isArray(tree) ? tree : [tree];
  if (!isNode(query) || query.type !== 'QUERY') return { distinct: null, shown: [] };
  const entries = nodesOf(query, 'targetList').filter((entry) => fieldOf(entry, 'resjunk') === 'false');
  return {
    distinct: distinctColumns(query, entries),
    shown: entries.flatMap((entry) => {
      const expression = fieldOf(entry, 'expr');
      if (!isNode(expression) || expression.type !== 'VAR') return [];
      const relation = numberOf(entry, 'resorigtbl');
      return {
        attribute: numberOf(entry, 'resno'),
        relation: relation === 0 ? null : relation,
        column: numberOf(entry, 'resorigcol'),
      };
    }),
  };
}

function distinctColumns(query: TreeNode, entries: readonly TreeNode[]): readonly number[] | null {
  const distinct = nodesOf(query, 'distinctClause');
  const grouped = nodesOf(query, 'groupClause');
  if (distinct.length > 0) return shownBy(distinct, entries);
  // Grouping sets give rows of several groupings; a function that returns sets makes several rows of one.
  const plain = nodesOf(query, 'groupingSets').length === 0 && fieldOf(query, 'hasTargetSRFs') === 'false';
  return plain && grouped.length > 0 ? shownBy(grouped, entries) : null;
}

function shownBy(clauses: readonly TreeNode[], entries: readonly TreeNode[]): readonly number[] | null {
  const columns = clauses.map((clause) => {
    const reference = fieldOf(clause, 'tleSortGroupRef');
    return entries.find((entry) => fieldOf(entry, 'ressortgroupref') === reference);
  });
  const numbers = columns.flatMap((entry) => (entry === undefined ? [] : [numberOf(entry, 'resno')]));
  return numbers.length === clauses.length ? [...new Set(numbers)] : null;
}

function numberOf(node: TreeNode, name: string): number {
  return Number(fieldOf(node, name) ?? 0);
}

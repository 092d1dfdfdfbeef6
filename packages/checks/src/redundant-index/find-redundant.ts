import { type Cover, coverOf } from '../catalogue/index-comparison.ts';
import { keeperFirst } from '../catalogue/index-drop.ts';
import { findDuplicates } from '../catalogue/index-duplicates.ts';
import { type IndexTree, isTopmost } from '../catalogue/index-trees.ts';

/** An index whose work another one does. */
export interface Redundancy {
  readonly redundant: IndexTree;
  /** Stays: neither redundant itself nor the duplicate to drop. */
  readonly covering: IndexTree;
  readonly cover: Cover;
}

/** One for each redundant index, with the best that covers it. What duplicates another is left to that check, but may not cover here. */
export function findRedundant(comparable: readonly IndexTree[]): Redundancy[] {
  const extras = new Set(findDuplicates(comparable).map(({ extra }) => extra));
  const tables = Map.groupBy(
    comparable.filter((tree) => !extras.has(tree)),
    ({ index }) => index.tableOid,
  );
  return [...tables.values()].flatMap(findRedundantOfTable);
}

function findRedundantOfTable(trees: readonly IndexTree[]): Redundancy[] {
  const covered = trees
    .filter(mayBeRedundant)
    .map((redundant) => ({ redundant, covers: coversOf(redundant, trees) }))
    .filter(({ covers }) => covers.length > 0);
  const redundant = new Set(covered.map((each) => each.redundant));
  return covered.flatMap((each) => {
    // Covering is transitive: the last one of a chain covers every other and stays.
    const [best] = each.covers.filter(({ covering }) => !redundant.has(covering)).toSorted(bestFirst);
    return best ?? [];
  });
}

/** What enforces something does work of its own; what is attached falls with the index it is attached to. */
function mayBeRedundant(tree: IndexTree): boolean {
  return isTopmost(tree) && tree.members.every(({ unique, exclusion }) => !unique && exclusion === null);
}

function coversOf(redundant: IndexTree, trees: readonly IndexTree[]): Redundancy[] {
  return trees.flatMap((covering) => {
    if (covering === redundant) return [];
    const cover = coverOf(redundant.index, covering.index);
    return cover === null || isRatherKept(redundant, covering) ? [] : { redundant, covering, cover };
  });
}

/** Where each of two covers the other, one stays. */
function isRatherKept(redundant: IndexTree, covering: IndexTree): boolean {
  return (
    mayBeRedundant(covering) &&
    coverOf(covering.index, redundant.index) !== null &&
    keeperFirst(redundant, covering) < 0
  );
}

/** In the same order, the narrowest. */
function bestFirst(a: Redundancy, b: Redundancy): number {
  return (
    Number(a.cover === 'mirrored_order') - Number(b.cover === 'mirrored_order') ||
    a.covering.index.keys.length - b.covering.index.keys.length ||
    a.covering.sizeBytes - b.covering.sizeBytes ||
    keeperFirst(a.covering, b.covering)
  );
}

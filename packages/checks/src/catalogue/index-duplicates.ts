import { signatureOf } from './index-comparison.ts';
import { keeperFirst } from './index-drop.ts';
import { type IndexTree, isTopmost } from './index-trees.ts';

/** Two indexes of a table that do the same in every respect. */
export interface Duplicate {
  /** Topmost: could be dropped by itself. */
  readonly extra: IndexTree;
  readonly kept: IndexTree;
}

/** Among usable indexes, one for each beyond the one to keep; of partition trees the topmost alone. */
export function findDuplicates(comparable: readonly IndexTree[]): Duplicate[] {
  const groups = Map.groupBy(comparable, ({ index }) => `${index.tableOid} ${signatureOf(index)}`);
  return [...groups.values()].flatMap((group) => {
    const [kept, ...extras] = group.toSorted(keeperFirst);
    return kept === undefined ? [] : extras.filter(isTopmost).map((extra) => ({ extra, kept }));
  });
}

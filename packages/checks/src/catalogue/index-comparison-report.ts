import { type CheckName, type CheckReport, type FoundFinding, objectKey } from '@slacktide/domain';
import type { IndexDefinition } from './index-definitions.ts';
import { type IndexTree, isTopmost, isUsable, toIndexTrees } from './index-trees.ts';

/** An index to drop, and what is found about it. */
export interface IndexProposal {
  readonly tree: IndexTree;
  readonly finding: FoundFinding;
}

/** The report of a check that compares usable indexes with one another: `compare` gets those whose definitions could be read. */
export function reportOnComparison(
  check: CheckName,
  indexes: readonly IndexDefinition[],
  minSizeMb: number,
  compare: (comparable: readonly IndexTree[]) => readonly IndexProposal[],
): CheckReport {
  const trees = toIndexTrees(indexes);
  const proposals = compare(trees.filter((tree) => !tree.locked && isUsable(tree)));
  const isSmall = ({ tree }: IndexProposal): boolean => tree.sizeBytes < minSizeMb * 1024 * 1024;
  const small = proposals.filter(isSmall).map(({ tree }) => tree);
  const found = proposals.filter((proposal) => !isSmall(proposal));
  const topmost = trees.filter(isTopmost);
  const locked = topmost.filter((tree) => tree.locked);
  const invalid = topmost.filter((tree) => !tree.locked && !isUsable(tree));
  const because = (reason: string) => (tree: IndexTree) => ({ object: objectKey(tree.index), reason });
  return {
    check,
    checked: topmost.length - locked.length - invalid.length - small.length,
    skipped: [...invalid.map(because('invalid')), ...small.map(because('smaller than min_size_mb'))],
    unknown: locked.map((tree) => ({ ...because('locked')(tree), grant: null })),
    findings: found.map(({ finding }) => finding),
    unjudged: [],
    figures: { found: found.length, size_bytes: found.reduce((total, { tree }) => total + tree.sizeBytes, 0) },
  };
}

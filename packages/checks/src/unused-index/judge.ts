import { type CheckReport, objectKey, type SkippedObject } from '@slacktide/domain';
import type { IndexDefinition } from '../catalogue/index-definitions.ts';
import { keeperFirst } from '../catalogue/index-drop.ts';
import { type IndexTree, isTopmost, isUsable, toIndexTrees } from '../catalogue/index-trees.ts';
import { type Evidence, evidenceFinder, type Use } from './evidence.ts';
import { toLowUseFinding, toUnusedFinding } from './findings.ts';
import { type Support, supportsOf } from './foreign-key-support.ts';
import type { Counting, ForeignKey } from './read.ts';
import type { UnusedIndexConfig } from './schema.ts';

export interface UnusedIndexFacts extends Counting {
  readonly indexes: readonly IndexDefinition[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly use: Use;
  /** Names of all nodes that must have been watched. */
  readonly nodes: readonly string[];
}

type Verdict =
  | { readonly kind: 'skipped' | 'unknown'; readonly reason: string }
  | { readonly kind: 'used' }
  | { readonly kind: 'low_use' | 'unused'; readonly evidence: Evidence };

/** Judges each topmost index with all that is attached to it. */
export function judgeUnusedIndexes(facts: UnusedIndexFacts, config: UnusedIndexConfig): CheckReport {
  const trees = toIndexTrees(facts.indexes);
  const supports = supportsOf(facts.foreignKeys, trees);
  const soleSupports = new Map(
    supports.flatMap(({ foreignKey, indexes: [first, ...others] }) =>
      first === undefined || others.length > 0 ? [] : [[first, foreignKey] as const],
    ),
  );
  const evidenceOf = evidenceFinder(facts.use, facts.nodes);
  const verdictOf = (tree: IndexTree): Verdict => {
    if (tree.locked) return { kind: 'unknown', reason: 'locked' };
    const reason = reasonToSkip(tree, config, soleSupports.get(tree));
    if (reason !== null) return { kind: 'skipped', reason };
    if (!facts.countsScans) return { kind: 'unknown', reason: 'track_counts is off: the server counts no scans' };
    return verdictOn(evidenceOf(tree), wasScannedInWindow(tree, facts.use), config);
  };
  const topmost = trees.filter(isTopmost);
  const verdicts = new Map(topmost.map((tree) => [tree, verdictOf(tree)]));
  for (const [tree, reason] of keepOnePerForeignKey(supports, verdicts))
    verdicts.set(tree, { kind: 'skipped', reason });

  const tables = Map.groupBy(trees, ({ index }) => index.tableOid);
  const siblingsOf = ({ index }: IndexTree): readonly IndexTree[] => tables.get(index.tableOid) ?? [];
  const listed = [...verdicts];
  const skipped = listed.flatMap(([tree, verdict]) =>
    verdict.kind === 'skipped' ? toReason(tree, verdict.reason) : [],
  );
  const unknown = listed.flatMap(([tree, verdict]) =>
    verdict.kind === 'unknown' ? toReason(tree, verdict.reason) : [],
  );
  const unused = listed.flatMap(([tree, verdict]) => (verdict.kind === 'unused' ? { tree, ...verdict } : []));
  const lowUse = listed.flatMap(([tree, verdict]) => (verdict.kind === 'low_use' ? { tree, ...verdict } : []));
  return {
    check: 'unused_index',
    checked: topmost.length - skipped.length - unknown.length,
    skipped,
    unknown: unknown.map((each) => ({ ...each, grant: null })),
    findings: [
      ...unused.map(({ tree, evidence }) => toUnusedFinding(tree, evidence, config, siblingsOf(tree))),
      ...lowUse.map(({ tree, evidence }) => toLowUseFinding(tree, evidence, config, siblingsOf(tree))),
    ],
    unjudged: [],
    figures: {
      unused: unused.length,
      low_use: lowUse.length,
      unused_size_bytes: unused.reduce((total, { tree }) => total + tree.sizeBytes, 0),
      nodes: [...facts.nodes],
      counters_reset_at: facts.countersResetAt?.toISOString() ?? null,
    },
  };
}

function toReason({ index }: IndexTree, reason: string): SkippedObject {
  return { object: objectKey(index), reason };
}

/** What is needed however rarely it is scanned. */
function reasonToSkip(
  tree: IndexTree,
  { min_size_mb }: UnusedIndexConfig,
  foreignKey: string | undefined,
): string | null {
  const any = (has: (member: IndexDefinition) => boolean): boolean => tree.members.some(has);
  if (!isUsable(tree)) return 'invalid';
  if (tree.members.every(({ partitioned }) => partitioned)) return 'no partitions';
  if (any(({ primary }) => primary)) return 'primary key';
  if (any(({ exclusion }) => exclusion !== null)) return 'exclusion constraint';
  if (any(({ unique, constraint }) => unique || constraint !== null)) return 'unique';
  if (any(({ replicaIdentity }) => replicaIdentity)) return 'replica identity';
  if (any(({ clustered }) => clustered)) return 'CLUSTER orders the table by it';
  if (foreignKey !== undefined) return `nothing else supports foreign key ${foreignKey}`;
  if (tree.tableSizeBytes < min_size_mb * 1024 * 1024) return 'table smaller than min_size_mb';
  return null;
}

/** Use is proven by any node that saw it; that there was none, only by all of them over the whole window. */
function verdictOn(evidence: Evidence, scannedInWindow: boolean, { min_scans }: UnusedIndexConfig): Verdict {
  const scans = evidence.nodes.reduce((total, node) => total + node.scans, 0);
  if (scans >= min_scans) return { kind: 'used' };
  if (evidence.gap !== null) return { kind: 'unknown', reason: evidence.gap };
  if (scans > 0) return { kind: 'low_use', evidence };
  return scannedInWindow ? { kind: 'used' } : { kind: 'unused', evidence };
}

/** The server remembers a scan that the samples have not seen. */
function wasScannedInWindow({ lastScanAt }: IndexTree, use: Use): boolean {
  if (use.kind === 'counters' || lastScanAt === null) return false;
  return lastScanAt.getTime() >= use.now.getTime() - use.days * 24 * 3_600_000;
}

/** Of several unused indexes that support one foreign key, the one to keep. */
function keepOnePerForeignKey(
  supports: readonly Support[],
  verdicts: ReadonlyMap<IndexTree, Verdict>,
): Map<IndexTree, string> {
  const kept = new Map<IndexTree, string>();
  for (const { foreignKey, indexes } of supports) {
    const goes = (tree: IndexTree): boolean => verdicts.get(tree)?.kind === 'unused' && !kept.has(tree);
    const [best] = indexes.every(goes) ? indexes.toSorted(keeperFirst) : [];
    if (best !== undefined) kept.set(best, `nothing else would support foreign key ${foreignKey}`);
  }
  return kept;
}

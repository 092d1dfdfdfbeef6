import { type FoundFinding, type JsonObject, objectKey } from '@slacktide/domain';
import { byteText } from '../catalogue/byte-text.ts';
import { coverOf } from '../catalogue/index-comparison.ts';
import { dropAction, toFindingObject } from '../catalogue/index-drop.ts';
import { type IndexTree, isTopmost, isUsable } from '../catalogue/index-trees.ts';
import type { Evidence } from './evidence.ts';
import type { UnusedIndexConfig } from './schema.ts';

/** No query used it at all: proposes the drop. `siblings` = all indexes of its table. */
export function toUnusedFinding(
  tree: IndexTree,
  evidence: Evidence,
  config: UnusedIndexConfig,
  siblings: readonly IndexTree[],
): FoundFinding {
  const name = objectKey(tree.index);
  return {
    fingerprint: `index:${name}`,
    severity: 'warning',
    object: toFindingObject(tree),
    summary: `No query used index ${name} (${byteText(tree.sizeBytes)}) on table ${tree.index.table} ${where(evidence)} ${when(config)}: drop ${name}`,
    evidence: toEvidence('unused', tree, evidence, config, siblings),
    action: dropAction(tree),
  };
}

/** A few queries used it: whether they are worth its upkeep is not for a machine to say. */
export function toLowUseFinding(
  tree: IndexTree,
  evidence: Evidence,
  config: UnusedIndexConfig,
  siblings: readonly IndexTree[],
): FoundFinding {
  const name = objectKey(tree.index);
  return {
    fingerprint: `index:${name}`,
    severity: 'info',
    object: toFindingObject(tree),
    summary: `Index ${name} (${byteText(tree.sizeBytes)}) on table ${tree.index.table} was scanned ${scansOf(evidence)} times ${where(evidence)} ${when(config)}, fewer than ${config.min_scans}`,
    evidence: {
      ...toEvidence('low_use', tree, evidence, config, siblings),
      no_action_because: 'queries use it, if rarely: a nightly report may need it',
    },
    action: null,
  };
}

function toEvidence(
  use: 'unused' | 'low_use',
  tree: IndexTree,
  evidence: Evidence,
  { min_scans, days_unused }: UnusedIndexConfig,
  siblings: readonly IndexTree[],
): JsonObject {
  const { index, members, sizeBytes, tableSizeBytes, scans, indexWrites, lastScanAt } = tree;
  const standsInFor = siblings
    .filter((other) => other !== tree && isTopmost(other) && isUsable(other) && !other.index.unique)
    .filter((other) => coverOf(other.index, index) !== null)
    .map((other) => objectKey(other.index));
  return {
    use,
    scans: scansOf(evidence),
    min_scans,
    days_unused,
    nodes: evidence.nodes.map(({ node, scans, days }) => ({ node, scans, observed_days: days })),
    definition: index.definition,
    size_bytes: sizeBytes,
    table_size_bytes: tableSizeBytes,
    parts: members.filter(({ partitioned }) => !partitioned).length,
    scans_since_reset: scans,
    index_writes_since_reset: indexWrites,
    scans_per_write: indexWrites === 0 ? null : Math.round((1e6 * scans) / indexWrites) / 1e6,
    last_scan_at: lastScanAt?.toISOString() ?? null,
    // A drop of both would leave neither.
    ...(standsInFor.length === 0 ? {} : { stands_in_for: standsInFor }),
    ...(index.createStatistics === null
      ? {}
      : {
          planner_statistics:
            'ANALYZE collects statistics of its expressions, which plans may rest on without a scan of it',
          create_statistics: index.createStatistics,
        }),
  };
}

function scansOf({ nodes }: Evidence): number {
  return nodes.reduce((total, { scans }) => total + scans, 0);
}

function where({ nodes }: Evidence): string {
  return `on ${nodes.map(({ node }) => node).join(', ')}`;
}

function when({ days_unused }: UnusedIndexConfig): string {
  return days_unused === 0 ? 'since the counters were last reset' : `in the last ${days_unused} days`;
}

import { type CheckReport, type FoundFinding, objectKey } from '@slacktide/domain';
import { byteText } from '../catalogue/byte-text.ts';
import { reportOnComparison } from '../catalogue/index-comparison-report.ts';
import type { IndexDefinition } from '../catalogue/index-definitions.ts';
import { dropAction, protectionsOf, toFindingObject } from '../catalogue/index-drop.ts';
import { type Duplicate, findDuplicates } from '../catalogue/index-duplicates.ts';
import { isTopmost } from '../catalogue/index-trees.ts';
import type { DuplicateIndexConfig } from './schema.ts';

/** One finding for each index that duplicates another; of two that nobody may simply drop it says so. */
export function judgeDuplicateIndexes(
  indexes: readonly IndexDefinition[],
  { min_size_mb }: DuplicateIndexConfig,
): CheckReport {
  return reportOnComparison('duplicate_index', indexes, min_size_mb, (comparable) =>
    findDuplicates(comparable).map((duplicate) => ({ tree: duplicate.extra, finding: toFinding(duplicate) })),
  );
}

function toFinding({ extra, kept }: Duplicate): FoundFinding {
  const protections = protectionsOf(extra);
  const [name, keptName] = [objectKey(extra.index), objectKey(kept.index)];
  const same = `Index ${name} (${byteText(extra.sizeBytes)}) does exactly what ${keptName} on table ${extra.index.table} does`;
  const found = {
    fingerprint: `index:${name}`,
    object: toFindingObject(extra),
    evidence: {
      definition: extra.index.definition,
      size_bytes: extra.sizeBytes,
      scans: extra.scans,
      kept_index: keptName,
      kept_definition: kept.index.definition,
      kept_size_bytes: kept.sizeBytes,
      kept_scans: kept.scans,
      kept_because: reasonToKeep(extra, kept),
    },
  };
  if (protections.length === 0) {
    return {
      ...found,
      severity: 'warning',
      summary: `${same}: drop ${name}; ${keptName} stays`,
      action: dropAction(extra),
    };
  }
  const because = protections.join('; ');
  return {
    ...found,
    severity: 'info',
    summary: `${same}; both are protected (${because}; ${found.evidence.kept_because}), so no drop is proposed`,
    evidence: { ...found.evidence, no_action_because: because },
    action: null,
  };
}

function reasonToKeep(extra: Duplicate['extra'], kept: Duplicate['kept']): string {
  if (!isTopmost(kept)) return `${kept.index.name} is attached to the index of a partitioned table`;
  const protections = protectionsOf(kept);
  if (protections.length > 0) return protections.join('; ');
  if (kept.scans !== extra.scans) return `${kept.index.name} is scanned more`;
  return `${kept.index.name} is ${kept.sizeBytes === extra.sizeBytes ? 'older' : 'smaller'}`;
}

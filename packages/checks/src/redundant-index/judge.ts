import { type CheckReport, type FoundFinding, objectKey } from '@slacktide/domain';
import { byteText } from '../catalogue/byte-text.ts';
import { reportOnComparison } from '../catalogue/index-comparison-report.ts';
import type { IndexDefinition } from '../catalogue/index-definitions.ts';
import { dropAction, protectionsOf, toFindingObject } from '../catalogue/index-drop.ts';
import { findRedundant, type Redundancy } from './find-redundant.ts';
import type { RedundantIndexConfig } from './schema.ts';

/** How many times larger the covering index may be before scans of it are noticeably dearer. */
const muchWider = 2;

/** One finding for each index whose work another one does. */
export function judgeRedundantIndexes(
  indexes: readonly IndexDefinition[],
  { min_size_mb }: RedundantIndexConfig,
): CheckReport {
  return reportOnComparison('redundant_index', indexes, min_size_mb, (comparable) =>
    findRedundant(comparable).map((redundancy) => ({ tree: redundancy.redundant, finding: toFinding(redundancy) })),
  );
}

function toFinding({ redundant, covering, cover }: Redundancy): FoundFinding {
  const protections = protectionsOf(redundant);
  const [name, coveringName] = [objectKey(redundant.index), objectKey(covering.index)];
  const mirrored = cover === 'mirrored_order';
  const ratio = covering.sizeBytes / Math.max(1, redundant.sizeBytes);
  const summary = `Index ${name} (${byteText(redundant.sizeBytes)}) answers nothing that ${coveringName} on table ${redundant.index.table} does not answer${mirrored ? ', read backwards' : ''}`;
  const found = {
    fingerprint: `index:${name}`,
    object: toFindingObject(redundant),
    evidence: {
      definition: redundant.index.definition,
      size_bytes: redundant.sizeBytes,
      scans: redundant.scans,
      covering_index: coveringName,
      covering_definition: covering.index.definition,
      covering_size_bytes: covering.sizeBytes,
      covering_scans: covering.scans,
      order: cover,
      confidence: mirrored ? 'lower' : 'high',
      size_ratio: Math.round(100 * ratio) / 100,
      ...(ratio > muchWider ? { narrowness_lost: 'scans that the narrow index serves will read more pages' } : {}),
    },
  };
  if (protections.length > 0) {
    const because = protections.join('; ');
    return {
      ...found,
      severity: 'info',
      summary: `${summary}; no drop is proposed: ${because}`,
      evidence: { ...found.evidence, no_action_because: because },
      action: null,
    };
  }
  return {
    ...found,
    severity: mirrored ? 'info' : 'warning',
    summary: `${summary}: drop ${name}; ${coveringName} stays`,
    action: dropAction(redundant),
  };
}

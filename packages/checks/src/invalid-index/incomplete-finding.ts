import type { FoundFinding } from '@slacktide/domain';
import type { InvalidIndex } from '../catalogue/invalid-index-details.ts';
import { indexObject } from '../catalogue/invalid-index-report.ts';
import { completePartitioned } from './complete-partitioned.ts';
import type { PartitionPart } from './read-partition-parts.ts';

/** A partitioned index that does not stand for every partition: made by CREATE INDEX … ON ONLY, and never completed. */
export function incompleteFinding(
  index: InvalidIndex,
  parts: readonly PartitionPart[],
  buildsAreUnsafe: string | null,
): FoundFinding {
  const { action, evidence, missing } = completePartitioned(parts, buildsAreUnsafe);
  const lacks =
    missing === 0
      ? 'was never validated since its parts are complete'
      : `lacks its part on ${missing} of ${parts.length} partitions`;
  return {
    fingerprint: `index:${index.schema}.${index.name}`,
    severity: 'warning',
    object: indexObject(index),
    summary: `Partitioned index ${index.quoted} on ${index.quotedTable} is invalid: it ${lacks}${index.unique ? '; uniqueness is enforced only where it has one' : ''}`,
    evidence: {
      class: 'incomplete_partitioned',
      is_valid: index.valid,
      is_unique: index.unique,
      constraint: index.constraint,
      definition: index.definition,
      ...evidence,
    },
    action,
  };
}

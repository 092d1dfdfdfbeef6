import { buildsCorruptIndexes } from '@slacktide/acting';
import { isWorkingCopyName } from '@slacktide/targets';
import type { IndexFacts } from './index-facts.ts';
import type { IndexRebuildConfig } from './schema.ts';

/** Why an index is not rebuilt, named or not; null = it may be. */
export function reasonToSkip(index: IndexFacts, serverVersion: number): string | null {
  if (index.exclusion !== null) return index.exclusion;
  if (index.partitioned) return 'partitioned';
  if (buildsCorruptIndexes(serverVersion)) return 'server_14_0_to_14_3';
  if (index.exclusionConstraint) return 'exclusion_constraint';
  if (!index.valid) return 'invalid';
  const leftovers = index.invalidSiblings.filter((name) => isWorkingCopyName(name, index.name));
  return leftovers.length > 0 ? `leftover_present: ${leftovers.join(', ')}` : null;
}

/** Whether an index that nobody named can be judged by its waste at all. */
export function worthMeasuring(index: IndexFacts, config: IndexRebuildConfig): boolean {
  return index.method === 'btree' && index.permitted && !isTooSmall(index, config) && index.sizeBytes !== null;
}

/** A size that is unknown is not too small. */
export function isTooSmall({ sizeBytes }: IndexFacts, { min_size_mb }: IndexRebuildConfig): boolean {
  return sizeBytes !== null && sizeBytes < min_size_mb * 1024 * 1024;
}

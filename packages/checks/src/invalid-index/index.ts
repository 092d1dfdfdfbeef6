import { readInvalidIndexDetails } from '../catalogue/invalid-index-details.ts';
import { findInvalidIndexes } from '../catalogue/invalid-indexes.ts';
import type { Check } from '../check.ts';
import { countDuplicates } from './count-duplicates.ts';
import { judgeInvalidIndexes } from './judge.ts';
import { readPartitionParts } from './read-partition-parts.ts';
import { checkType, type InvalidIndexConfig } from './schema.ts';

/** How far back our own samples may prove that an index was used. */
const usageDays = 90;

export const invalidIndex: Check<InvalidIndexConfig> = {
  type: checkType,
  async run({ reader, memory, signal }, config) {
    const sighted = await findInvalidIndexes(reader, config.confirm_seconds, signal);
    const indexes = sighted.inRecovery ? [] : await readInvalidIndexDetails(reader, sighted.sightings);
    const roots = indexes.filter(({ partitioned, parentUsable }) => partitioned && parentUsable !== false);
    const usage = indexes.length === 0 ? [] : await memory.usage(usageDays);
    return judgeInvalidIndexes({
      serverVersion: reader.serverVersion,
      sighted,
      indexes,
      parts: await readPartitionParts(
        reader,
        roots.map(({ oid }) => oid),
      ),
      duplicateKeys: await countDuplicates(reader, indexes, config.count_duplicates_up_to_mb * 1_048_576),
      seenInUse: new Set(usage.filter(({ nodes }) => nodes.some(({ scans }) => scans > 0)).map(({ oid }) => oid)),
    });
  },
};

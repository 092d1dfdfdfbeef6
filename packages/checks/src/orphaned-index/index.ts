import { readInvalidIndexDetails } from '../catalogue/invalid-index-details.ts';
import { findInvalidIndexes } from '../catalogue/invalid-indexes.ts';
import type { Check } from '../check.ts';
import { judgeOrphanedIndexes } from './judge.ts';
import { type DetachedIndexes, readDetachedIndexes } from './read-detached.ts';
import { readTemporaryIndexes } from './read-temporary.ts';
import { checkType, type OrphanedIndexConfig } from './schema.ts';

const none: DetachedIndexes = { found: [], unjudged: [] };

export const orphanedIndex: Check<OrphanedIndexConfig> = {
  type: checkType,
  async run({ reader, signal }, config) {
    const sighted = await findInvalidIndexes(reader, config.confirm_seconds, signal);
    if (sighted.inRecovery) {
      return judgeOrphanedIndexes({ sighted, invalid: [], temporary: { dead: [], count: 0 }, detached: none });
    }
    return judgeOrphanedIndexes({
      sighted,
      invalid: await readInvalidIndexDetails(reader, sighted.sightings),
      temporary: await readTemporaryIndexes(reader),
      detached: config.report_detached_partitions ? await readDetachedIndexes(reader) : none,
    });
  },
};

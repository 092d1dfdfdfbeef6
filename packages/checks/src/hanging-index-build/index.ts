import type { Check } from '../check.ts';
import { judgeIndexBuilds } from './judge.ts';
import { readBuildBlockers } from './read-blockers.ts';
import { readBuilds } from './read-builds.ts';
import { checkType, type HangingIndexBuildConfig } from './schema.ts';

/** Older looks at the same build than these say nothing new. */
const mostLooks = 500;

export const hangingIndexBuild: Check<HangingIndexBuildConfig> = {
  type: checkType,
  async run({ reader, memory, now }, config) {
    const facts = await readBuilds(reader);
    const waiting = facts.builds.filter(({ lockWaitSeconds }) => lockWaitSeconds !== null);
    const blockers = await readBuildBlockers(reader, waiting);
    const earlier =
      facts.builds.length === 0 ? [] : await memory.snapshots('hanging_index_build', { limit: mostLooks });
    return judgeIndexBuilds({ ...facts, ...blockers, serverVersion: reader.serverVersion }, earlier, now, config);
  },
};

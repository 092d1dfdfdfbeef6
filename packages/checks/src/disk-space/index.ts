import type { Check } from '../check.ts';
import { judgeDiskSpace } from './judge.ts';
import { readDiskFacts } from './read.ts';
import { checkType, type DiskSpaceConfig } from './schema.ts';

export const diskSpace: Check<DiskSpaceConfig> = {
  type: checkType,
  async run({ reader, memory, now }, config) {
    const since = new Date(now.getTime() - config.growth_days * 86_400_000);
    const earlier = await memory.snapshots('disk_space', { since, limit: 1000 });
    return judgeDiskSpace(await readDiskFacts(reader), earlier, config);
  },
};

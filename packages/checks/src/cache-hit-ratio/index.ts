import type { Check } from '../check.ts';
import { judgeCacheHitRatio } from './judge.ts';
import { readBlockCounters } from './read.ts';
import { type CacheHitRatioConfig, checkType } from './schema.ts';

export const cacheHitRatio: Check<CacheHitRatioConfig> = {
  type: checkType,
  async run({ reader, memory, now }, config) {
    const since = new Date(now.getTime() - config.window_hours * 3_600_000);
    const earlier = await memory.snapshots('cache_hit_ratio', { since, limit: 200 });
    return judgeCacheHitRatio(await readBlockCounters(reader), earlier, config);
  },
};

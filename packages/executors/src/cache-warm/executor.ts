import type { Executor } from '@slacktide/application/ports';
import { type CacheWarmFacts, readCacheWarmFacts } from './facts.ts';
import { planCacheWarm } from './plan.ts';
import { type CacheWarmConfig, taskType } from './schema.ts';
import { warmRelation } from './warm-relation.ts';

/** pg_prewarm of the working set, within a budget, verified by pg_buffercache where that is installed. */
export const cacheWarm: Executor<CacheWarmConfig, CacheWarmFacts> = {
  taskType,
  readFacts: readCacheWarmFacts,
  plan: planCacheWarm,
  runStep: warmRelation,
  summarise: (results) => ({
    bytes_loaded: results.reduce(
      (sum, { outcome }) => sum + (outcome.kind === 'failed' ? 0 : Number(outcome.result?.['bytes_loaded'] ?? 0)),
      0,
    ),
  }),
};

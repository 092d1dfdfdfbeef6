import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  min_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe('Share of block reads that shared buffers should answer, from 0 to 1. Default 0.9.'),
  min_blocks: z
    .int()
    .min(0)
    .default(100_000)
    .describe('Fewer block reads than this between two looks say nothing about the ratio. Default 100000 (781 MiB).'),
  window_hours: z
    .number()
    .min(0)
    .max(168)
    .default(24)
    .describe('How far back the earlier look may be that the counters are compared with, in hours. Default 24.'),
});
export type CacheHitRatioConfig = z.infer<typeof config>;

export const checkType: CheckType<CacheHitRatioConfig> = {
  name: 'cache_hit_ratio',
  description:
    "How many of the database's block reads were answered by shared buffers, between two looks rather than since the counters were last reset.",
  config,
};

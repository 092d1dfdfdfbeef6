import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  min_scans: z
    .int()
    .min(1)
    .default(10)
    .describe('Fewer scans than this within the window, summed over all nodes, are low use. Default 10.'),
  days_unused: z
    .number()
    .min(0)
    .max(365)
    .default(7)
    .describe(
      "Days for which every node must have been watched without a gap; an index watched for less is unknown. 0 = go by the servers' own counters as they stand. Default 7.",
    ),
  min_size_mb: z
    .number()
    .min(0)
    .default(1)
    .describe(
      'Indexes of tables smaller than this, in MiB, are left out: no query needs them yet. 0 = none is. Default 1.',
    ),
});
export type UnusedIndexConfig = z.infer<typeof config>;

export const checkType: CheckType<UnusedIndexConfig> = {
  name: 'unused_index',
  description:
    'Indexes that no query used on any node for as long as they were watched, and that enforce nothing and support no foreign key.',
  config,
};

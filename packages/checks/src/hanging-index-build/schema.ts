import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  waiting_minutes: z
    .number()
    .min(0)
    .default(10)
    .describe('A build that has waited for one and the same session for this long hangs, in minutes. Default 10.'),
  working_minutes: z
    .number()
    .min(0)
    .default(60)
    .describe(
      'A build whose counters have not moved for this long hangs, in minutes, unless it waits for I/O. Default 60.',
    ),
  working_looks: z
    .int()
    .min(2)
    .max(100)
    .default(3)
    .describe('So many looks, this one included, must have seen the counters where they are. Default 3.'),
});
export type HangingIndexBuildConfig = z.infer<typeof config>;

export const checkType: CheckType<HangingIndexBuildConfig> = {
  name: 'hanging_index_build',
  description:
    'CREATE INDEX and REINDEX that get nowhere: those that wait for one and the same session for long, with everybody they wait for, and those whose counters stand still.',
  config,
};

import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  confirm_seconds: z
    .number()
    .min(0)
    .max(60)
    .default(5)
    .describe(
      'Where an index seems to be left over, look again after so long before saying so, in seconds. Default 5.',
    ),
  count_duplicates_up_to_mb: z
    .number()
    .min(0)
    .max(10_000)
    .default(64)
    .describe(
      'Count the duplicate keys behind a failed unique index where its table is no larger than this, in MiB. Default 64; 0 counts none.',
    ),
});
export type InvalidIndexConfig = z.infer<typeof config>;

export const checkType: CheckType<InvalidIndexConfig> = {
  name: 'invalid_index',
  description:
    'Indexes that queries cannot use: left by a CREATE INDEX CONCURRENTLY that failed or a DROP INDEX CONCURRENTLY that was cut short, and partitioned indexes that lack parts. Those being built now are none.',
  config,
};

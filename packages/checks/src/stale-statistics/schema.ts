import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  stale_threshold_hours: z
    .number()
    .positive()
    .default(24)
    .describe(
      'Statistics older than this many hours are stale once a row changed since, also below the limit of autovacuum. Default 24.',
    ),
  min_table_size_mb: z
    .number()
    .min(0)
    .default(10)
    .describe(
      'Tables smaller than this many MiB are left out; of partitioned tables all partitions together count. Default 10.',
    ),
  max_tables: z
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe(
      'How many tables, the most urgent first, are marked for one run of maintenance; the others are found all the same. Default 10.',
    ),
});
export type StaleStatisticsConfig = z.infer<typeof config>;

export const checkType: CheckType<StaleStatisticsConfig> = {
  name: 'stale_statistics',
  description:
    "Tables, materialised views, partitioned tables and inheritance parents whose planner statistics are missing, or out of date by autovacuum's own rule or by age.",
  config,
};

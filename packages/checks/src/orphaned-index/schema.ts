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
  report_detached_partitions: z
    .boolean()
    .default(true)
    .describe('Report indexes of tables that look like detached partitions, as worth knowing. Default true.'),
});
export type OrphanedIndexConfig = z.infer<typeof config>;

export const checkType: CheckType<OrphanedIndexConfig> = {
  name: 'orphaned_index',
  description:
    'Indexes that nobody wants any more: working copies that a REINDEX CONCURRENTLY left behind, temporary indexes of sessions that are gone, and indexes of partitions that were detached.',
  config,
};

import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  max_read_mb: z
    .number()
    .min(0)
    .default(512)
    .describe(
      'Most MiB of relations verified in one run; the next run goes on where this one ends. A relation larger than this is never verified. Default 512.',
    ),
  max_relations: z.int().min(1).default(2000).describe('Most relations verified in one run. Default 2000.'),
  heapallindexed: z
    .boolean()
    .default(false)
    .describe('Also verify that every row has its entry in the index, which reads the table too. Default false.'),
  checkunique: z
    .boolean()
    .default(false)
    .describe('Also verify that unique indexes hold no two visible rows of a key. Needs amcheck 1.4. Default false.'),
  parent_check: z
    .boolean()
    .default(false)
    .describe(
      'Verify with bt_index_parent_check, which also compares levels of the tree. It takes a SHARE lock: nobody writes to the table while its index is verified. Default false.',
    ),
  heap_check: z
    .boolean()
    .default(false)
    .describe('Also verify tables, materialized views and TOAST tables with verify_heapam. Default false.'),
  remember_days: z
    .int()
    .min(0)
    .max(3650)
    .default(30)
    .describe(
      'For how many days a checksum failure is reported after it was last seen, whoever resets the counters meanwhile. Default 30.',
    ),
});
export type IntegrityConfig = z.infer<typeof config>;

export const checkType: CheckType<IntegrityConfig> = {
  name: 'integrity',
  description:
    'Corruption of the stored data: checksum failures, btree indexes by amcheck, on request tables by verify_heapam, and collations whose version has changed beneath the indexes. Never repairs anything.',
  config,
};

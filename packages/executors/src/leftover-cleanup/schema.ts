import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { concurrentFields, relationName, throttleField } from '../config-fields.ts';

const config = z.strictObject({
  indexes: z
    .array(relationName)
    .max(500)
    .default([])
    .describe(
      'Indexes by name, e.g. "public.orders_idx_ccnew": of them those that are leftovers. Empty = whatever leftovers there are. A name the target lacks is refused.',
    ),
  checks: z
    .array(z.enum(['invalid_index', 'orphaned_index']))
    .min(1)
    .default(['invalid_index', 'orphaned_index'])
    .describe('The checks whose findings are acted on. Default both, invalid_index and orphaned_index.'),
  repair: z
    .enum(['rebuild', 'drop'])
    .default('rebuild')
    .describe(
      'What becomes of an index that a DROP cut short left unusable and that no other one replaces: rebuilt, it is valid again; or the drop is finished. Default rebuild.',
    ),
  complete_partitioned: z
    .boolean()
    .default(false)
    .describe(
      'Whether partitioned indexes that lack parts get them: built CONCURRENTLY where no index does the same, then attached. Default false.',
    ),
  max_indexes: z
    .int()
    .min(1)
    .max(1_000)
    .default(50)
    .describe('Most indexes taken on in one run; the next run goes on. Does not limit named ones. Default 50.'),
  confirm_seconds: z
    .number()
    .min(0)
    .max(60)
    .default(5)
    .describe('An index is a leftover only if it still is one after so many seconds. Default 5.'),
  ...concurrentFields,
  throttle: throttleField,
});
export type LeftoverCleanupConfig = z.infer<typeof config>;

export const taskType: TaskType<LeftoverCleanupConfig> = {
  type: 'LEFTOVER_CLEANUP',
  category: 'index',
  access: 'act',
  class: 'idempotent',
  description:
    'Drops what failed or interrupted index builds left behind, finishes drops that were cut short or brings the index back, as the checks invalid_index and orphaned_index prove. Never touches a valid index, or one that somebody works on.',
  config,
};

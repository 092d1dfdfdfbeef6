import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { concurrentFields, heedAdviceField, relationName, tablesField, throttleField } from '../config-fields.ts';

const config = z.strictObject({
  indexes: z
    .array(relationName)
    .max(500)
    .default([])
    .describe(
      'Indexes by name, e.g. "public.orders_created_at_idx"; each is rebuilt whatever its bloat. Of a partitioned index its leaves are. A name the target lacks is refused.',
    ),
  tables: tablesField('no table is named: see indexes, else those over bloat_threshold'),
  schemas: z
    .array(z.string().min(1).max(63))
    .max(100)
    .default([])
    .describe('Where to look for bloated indexes when none are named. Empty = in every schema.'),
  bloat_threshold: z
    .number()
    .min(0)
    .max(100)
    .default(40)
    .describe(
      'Percent of an index that is waste, measured by pgstatindex, from which it is rebuilt. Indexes with random inserts settle at 30 to 35. 0 = rebuild without measuring. Default 40.',
    ),
  min_size_mb: z
    .number()
    .min(0)
    .default(1)
    .describe('Smaller indexes, in MiB, are left alone unless they are named. Default 1.'),
  max_indexes: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe(
      'Most bloated indexes rebuilt in one run, the largest waste first; the next run goes on. Does not limit named ones. Default 10.',
    ),
  max_measured_mb: z
    .int()
    .min(1)
    .default(4096)
    .describe(
      'Most MiB of indexes read to measure bloat in one run, the largest first; what is left over is reported as unknown. Default 4096.',
    ),
  max_total_mb: z
    .number()
    .min(1)
    .nullable()
    .default(102_400)
    .describe(
      'Most MiB of indexes rewritten in one run, counted as they are now; what does not fit waits for the next run. Does not limit named ones. null = no limit. Default 102400.',
    ),
  cooldown_days: z
    .number()
    .min(0)
    .max(365)
    .default(7)
    .describe(
      'An index is left alone for so many days after its last rebuild, unless it is named: one that bloats faster needs another cure. 0 = never left alone. Default 7.',
    ),
  heed_advice: heedAdviceField,
  ...concurrentFields,
  throttle: throttleField,
});
export type IndexRebuildConfig = z.infer<typeof config>;

export const taskType: TaskType<IndexRebuildConfig> = {
  type: 'INDEX_REBUILD',
  category: 'index',
  access: 'act',
  class: 'idempotent',
  description:
    'REINDEX INDEX CONCURRENTLY of the indexes named, or of those whose measured waste is over the limit, the largest waste first. Verified; nothing is left behind by a failure or a cancel.',
  config,
  newKeys: ['cooldown_days', 'heed_advice', 'max_blocking_seconds', 'max_total_mb', 'throttle'],
};

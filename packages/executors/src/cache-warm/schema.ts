import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { tablesField, throttleField } from '../config-fields.ts';

const config = z.strictObject({
  tables: tablesField('the tables and indexes that are read most for their size'),
  max_mb: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'Most MiB loaded in one run; never more than shared_buffers. null = a quarter of shared_buffers. Default null.',
    ),
  min_reads_per_block: z
    .number()
    .min(0)
    .default(1)
    .describe(
      'Relations that are not named are left alone when their blocks were read less often than this, on average, since the counters began. Default 1.',
    ),
  cached_percent: z
    .number()
    .min(0)
    .max(100)
    .default(90)
    .describe(
      'A relation of which at least this percentage is in the cache already is left alone, where pg_buffercache tells. Default 90.',
    ),
  max_relations: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Most tables and indexes loaded in one run, named or not. Default 100.'),
  chunk_mb: z
    .int()
    .min(1)
    .max(1024)
    .default(16)
    .describe(
      'MiB loaded by one statement: between two of them the load of the server is looked at, and the work can be stopped. Default 16.',
    ),
  throttle: throttleField,
});
export type CacheWarmConfig = z.infer<typeof config>;

export const taskType: TaskType<CacheWarmConfig> = {
  type: 'CACHE_WARM',
  category: 'storage',
  // It changes no data, but it pushes pages out of the cache and reads the disk hard: one at a time, and not beside other work.
  access: 'act',
  class: 'idempotent',
  description:
    'Loads the working set, the tables and indexes that are read most for their size, into shared_buffers with pg_prewarm, within a budget.',
  config,
};

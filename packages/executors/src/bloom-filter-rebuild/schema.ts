import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { concurrentFields, relationName, throttleField } from '../config-fields.ts';

const range = z
  .strictObject({
    index: relationName.describe('A BRIN index by name, e.g. "public.events_at_brin". It has no default.'),
    from_block: z.int().min(0).describe('First block of the table to summarise anew. It has no default.'),
    to_block: z.int().min(0).describe('Last block of the table to summarise anew. It has no default.'),
  })
  .refine(({ from_block, to_block }) => from_block <= to_block, {
    path: ['to_block'],
    error: 'to_block comes before from_block',
  });

const config = z.strictObject({
  indexes: z
    .array(relationName)
    .max(500)
    .default([])
    .describe(
      'Indexes by name, e.g. "public.orders_bloom": a bloom index is rebuilt whatever its waste, a BRIN index summarised. Of a partitioned index its leaves are. Empty = every bloom index that is due, and every BRIN index. A name the target lacks is refused.',
    ),
  bloom: z
    .boolean()
    .default(true)
    .describe('Whether to rebuild bloom indexes that are due and not named. Default true.'),
  brin: z.boolean().default(true).describe('Whether to summarise BRIN indexes that are not named. Default true.'),
  ranges: z
    .array(range)
    .max(100)
    .default([])
    .describe(
      'Parts of tables whose BRIN summaries are thrown away and made anew, e.g. after a mass delete left them too wide. Empty = none.',
    ),
  bloat_threshold: z
    .number()
    .min(0)
    .max(100)
    .default(40)
    .describe(
      'Percent of a bloom index beyond what its rows need, by its own length of signature, from which it is rebuilt. Default 40.',
    ),
  growth_factor: z
    .number()
    .min(1)
    .default(2)
    .describe(
      'A bloom index is also rebuilt when it takes this many times the bytes a row that it took after our last rebuild. Default 2.',
    ),
  min_size_mb: z
    .number()
    .min(0)
    .default(1)
    .describe('Smaller bloom indexes, in MiB, are left alone unless they are named. Default 1.'),
  max_indexes: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe(
      'Most bloom indexes rebuilt in one run when none are named, the largest waste first; the next run goes on. Default 10.',
    ),
  ...concurrentFields,
  throttle: throttleField,
});
export type BloomFilterRebuildConfig = z.infer<typeof config>;

export const taskType: TaskType<BloomFilterRebuildConfig> = {
  type: 'BLOOM_FILTER_REBUILD',
  category: 'index',
  access: 'act',
  class: 'idempotent',
  description:
    'REINDEX INDEX CONCURRENTLY of bloom indexes that grew beyond what their rows need, and summaries for the ranges of BRIN indexes that have none yet.',
  config,
};

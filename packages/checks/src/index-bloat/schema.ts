import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  bloat_threshold: z
    .number()
    .min(0)
    .max(100)
    .default(20)
    .describe('Percent of an index that is waste, as measured, from which it is reported. Default 20.'),
  rebuild_threshold: z
    .number()
    .min(0)
    .max(100)
    .default(40)
    .describe(
      'Percent of waste from which a rebuild is proposed. Random inserts settle at 30 percent of waste again, so that less would not last. Default 40.',
    ),
  min_size_mb: z
    .number()
    .min(0)
    .default(1)
    .describe('Smaller indexes, in MiB, are neither measured nor reported. Default 1.'),
  max_read_mb: z
    .number()
    .min(0)
    .default(1024)
    .describe(
      'Most MiB of indexes read in one run; the next run goes on with those whose last measurement is the oldest. An index larger than this is never read. Default 1024.',
    ),
  max_relations: z.int().min(1).default(1000).describe('Most indexes measured in one run. Default 1000.'),
});
export type IndexBloatConfig = z.infer<typeof config>;

export const checkType: CheckType<IndexBloatConfig> = {
  name: 'index_bloat',
  description:
    'Indexes that waste a good part of their file: measured page by page with pgstatindex, never estimated, within a budget of bytes a run. Also pending lists of GIN indexes and emptied hash indexes.',
  config,
};

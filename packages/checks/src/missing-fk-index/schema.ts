import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  min_rows: z
    .int()
    .min(0)
    .default(1_000)
    .describe(
      'Foreign keys of tables with fewer rows than this (estimated) are left out; 0 leaves none out. Default 1000.',
    ),
  large_rows: z
    .int()
    .min(1)
    .default(1_000_000)
    .describe(
      'From this many rows on a missing index is at least a warning, and critical where many referenced rows are deleted. Default 1000000.',
    ),
});
export type MissingFkIndexConfig = z.infer<typeof config>;

export const checkType: CheckType<MissingFkIndexConfig> = {
  name: 'missing_fk_index',
  description:
    'Foreign keys whose columns no index of the referencing table leads with, so that each deleted or re-keyed referenced row reads the whole table.',
  config,
};

import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  min_size_mb: z
    .number()
    .min(0)
    .default(0)
    .describe('Indexes to drop that are smaller than this, in MiB, are left out. Default 0 = none is.'),
});
export type DuplicateIndexConfig = z.infer<typeof config>;

export const checkType: CheckType<DuplicateIndexConfig> = {
  name: 'duplicate_index',
  description:
    'Indexes that do exactly what another index of their table does, in every respect: each one but the best costs writes and space for nothing.',
  config,
};

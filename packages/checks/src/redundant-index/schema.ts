import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  min_size_mb: z
    .number()
    .min(0)
    .default(0)
    .describe('Redundant indexes that are smaller than this, in MiB, are left out. Default 0 = none is.'),
});
export type RedundantIndexConfig = z.infer<typeof config>;

export const checkType: CheckType<RedundantIndexConfig> = {
  name: 'redundant_index',
  description:
    'Indexes that answer nothing that another, wider index of their table would not answer as well: mostly those on its leading columns.',
  config,
};

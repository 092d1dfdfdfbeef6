import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  large_mb: z
    .number()
    .min(0)
    .default(10)
    .describe(
      'From this size in MiB on a materialised view without a usable unique index is a warning, else worth knowing. Default 10.',
    ),
  verify_rows: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(100_000)
    .describe(
      'A unique index is proposed only when all rows were seen to be unique; larger views are not read. 0 reads none, and proposes none. Default 100000.',
    ),
});
export type MatviewIndexConfig = z.infer<typeof config>;

export const checkType: CheckType<MatviewIndexConfig> = {
  name: 'matview_index',
  description:
    'Materialised views that cannot be read because they were never populated, and those that can only be refreshed by locking readers out.',
  config,
};

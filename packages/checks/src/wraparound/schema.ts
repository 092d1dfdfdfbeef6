import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  late_percent: z
    .number()
    .min(1)
    .max(1000)
    .default(100)
    .describe(
      'A table is late when its age reaches this percentage of the age at which autovacuum freezes it unasked. Default 100.',
    ),
  rate_window_hours: z
    .number()
    .positive()
    .max(720)
    .default(24)
    .describe(
      'Over how many hours back the use of transaction ids is measured, to tell how long they last. Default 24.',
    ),
});
export type WraparoundConfig = z.infer<typeof config>;

export const checkType: CheckType<WraparoundConfig> = {
  name: 'wraparound',
  description:
    'Tables and databases, also those that allow no connections, whose transaction ids or multixacts are so old that the server will stop assigning new ones unless they are frozen, and what holds that back.',
  config,
};

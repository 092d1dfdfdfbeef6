import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  window_hours: z
    .number()
    .positive()
    .max(720)
    .default(24)
    .describe('How far back checkpoints are counted, in hours. Default 24.'),
  max_requested_percent: z
    .number()
    .min(0)
    .max(100)
    .default(20)
    .describe('Percentage of checkpoints that may be requested before their time has come. Default 20.'),
  min_checkpoints: z
    .int()
    .min(1)
    .default(10)
    .describe('Fewer checkpoints than this in the window say nothing about their cause. Default 10.'),
});
export type CheckpointPressureConfig = z.infer<typeof config>;

export const checkType: CheckType<CheckpointPressureConfig> = {
  name: 'checkpoint_pressure',
  description:
    'Checkpoints (on a standby restartpoints) that come before their time because max_wal_size is reached, or that take longer than the time between them.',
  config,
};

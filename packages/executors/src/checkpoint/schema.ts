import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';

const config = z.strictObject({
  min_interval_seconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(300)
    .describe('No checkpoint while the latest one, whoever asked for it, is younger than this. Default 300.'),
  force: z.boolean().default(false).describe('Checkpoint although the latest one is younger. Default false.'),
});
export type CheckpointConfig = z.infer<typeof config>;

export const taskType: TaskType<CheckpointConfig> = {
  type: 'CHECKPOINT',
  category: 'durability',
  access: 'act',
  class: 'idempotent',
  description: 'Writes all dirty buffers to disk at once, e.g. before a planned restart or backup.',
  config,
};

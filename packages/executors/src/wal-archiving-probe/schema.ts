import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';

const config = z.strictObject({
  probe_timeout_seconds: z
    .int()
    .min(1)
    .max(3600)
    .default(120)
    .describe('How long the segment may take to be archived, in seconds. Default 120.'),
});
export type WalArchivingProbeConfig = z.infer<typeof config>;

export const taskType: TaskType<WalArchivingProbeConfig> = {
  type: 'WAL_ARCHIVING_PROBE',
  category: 'durability',
  access: 'act',
  class: 'idempotent',
  description:
    'Finishes the current WAL segment and waits until it is archived: the proof that archiving works now. Costs the archive one segment.',
  config,
};

import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { failOnField } from '../config-fields.ts';

const config = z.strictObject({
  max_ready_files: z
    .int()
    .min(0)
    .default(64)
    .describe('More WAL files than this waiting to be archived are a backlog. Default 64, 1 GiB at 16 MiB each.'),
  max_ready_seconds: z
    .number()
    .min(0)
    .default(600)
    .describe('So is a WAL file that has been waiting to be archived for longer than this, in seconds. Default 600.'),
  fail_on: failOnField,
});
export type WalArchivingConfig = z.infer<typeof config>;

export const taskType: TaskType<WalArchivingConfig> = {
  type: 'WAL_ARCHIVING',
  category: 'durability',
  access: 'observe',
  class: 'idempotent',
  description:
    'Whether finished WAL reaches the archive: an archiver that fails, files that wait, archiving that is on without a command. Changes nothing; WAL_ARCHIVING_PROBE sends a segment through it.',
  config,
};

import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { concurrentFields } from '../config-fields.ts';

const config = z.strictObject({
  job_id: z
    .string()
    .max(36)
    .default('')
    .describe('The job whose work is taken back; the statements are those the ledger kept then. Required.'),
  points: z
    .array(z.uuid())
    .max(1_000)
    .default([])
    .describe('Which of its rollback points, by their ids. Default empty = all that were not taken back yet.'),
  ...concurrentFields,
});
export type RollbackConfig = z.infer<typeof config>;

export const taskType: TaskType<RollbackConfig> = {
  type: 'ROLLBACK',
  category: 'index',
  access: 'act',
  class: 'idempotent',
  startedBy: 'POST /jobs/{id}/rollback',
  description:
    'Takes back what a job did, by the rollback points it wrote before it acted, the newest first, wherever the catalogue shows that there is something to take back.',
  config,
};

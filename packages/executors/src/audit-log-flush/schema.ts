import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { folderField } from '../config-fields.ts';

const config = z.strictObject({
  archive_to: folderField
    .nullable()
    .default(null)
    .describe(
      'Folder on the worker’s host that the audit log is exported to; one of FILE_ROOTS, or within one. null = verified only. Default null.',
    ),
  max_events: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(1_000_000)
    .describe('Most events of one stream that one run exports; the next run goes on. Default 1000000.'),
});
export type AuditLogFlushConfig = z.infer<typeof config>;

export const taskType: TaskType<AuditLogFlushConfig> = {
  type: 'AUDIT_LOG_FLUSH',
  category: 'records',
  access: 'observe',
  class: 'idempotent',
  sessionless: true,
  description:
    'Verifies the hash chains of our own audit log, also against what was exported before, and exports what is new to files that prove themselves.',
  config,
};

import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';

const config = z.strictObject({
  watch_id: z
    .string()
    .max(36)
    .default('')
    .describe('The watch that is looked at; what it compares with is in the ledger. Required.'),
});
export type IndexWatchConfig = z.infer<typeof config>;

export const taskType: TaskType<IndexWatchConfig> = {
  type: 'INDEX_WATCH',
  category: 'index',
  access: 'observe',
  class: 'idempotent',
  startedBy: 'the watch that a drop begins',
  description:
    'Looks whether statements became significantly slower since an index of their table was dropped, by pg_stat_statements.',
  config,
};

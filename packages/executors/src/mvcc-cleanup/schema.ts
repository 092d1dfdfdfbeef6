import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { lockTimeoutField, maxTablesField, scopeField, tablesField, throttleField } from '../config-fields.ts';

const config = z
  .strictObject({
    tables: tablesField('those due for a VACUUM'),
    scope: scopeField,
    max_tables: maxTablesField,
    dead_percent: z
      .number()
      .min(0)
      .max(1000)
      .nullable()
      .default(null)
      .describe(
        "Due when there are more dead rows than dead_rows plus this percentage of the table's rows. null = the table's own autovacuum_vacuum_scale_factor, else the server's. Default null.",
      ),
    dead_rows: z
      .int()
      .min(0)
      .nullable()
      .default(null)
      .describe(
        "Dead rows always tolerated. null = the table's own autovacuum_vacuum_threshold, else the server's. Default null.",
      ),
    full: z
      .boolean()
      .default(false)
      .describe(
        'Rewrite the tables named in `tables` with VACUUM FULL: nobody can read or write a table meanwhile, and it needs disk space of its own size. Only with tables named. Default false.',
      ),
    full_max_size_mb: z
      .number()
      .positive()
      .default(1024)
      .describe('VACUUM FULL of a table larger than this many MiB, indexes included, is refused. Default 1024.'),
    freeze: z
      .boolean()
      .default(false)
      .describe('Freeze every row that can be frozen: more writes now, none later. Default false.'),
    analyze: z
      .boolean()
      .default(false)
      .describe('Update the planner statistics as well; of a partitioned table those of its leaves. Default false.'),
    truncate: z
      .boolean()
      .default(false)
      .describe(
        'Give empty pages at the end of a table back to the file system: takes a short ACCESS EXCLUSIVE lock. Default false.',
      ),
    parallel_workers: z
      .int()
      .min(0)
      .max(64)
      .nullable()
      .default(null)
      .describe('Workers for the indexes of one table; 0 = none. null = as the server is configured. Default null.'),
    skip_when_xmin_held: z
      .boolean()
      .default(true)
      .describe(
        'Leave a table alone while an old snapshot keeps VACUUM from removing any of its dead rows, and name who holds it. Default true.',
      ),
    lock_timeout_seconds: lockTimeoutField.describe(
      'Seconds to wait for the lock on a table before the table is left alone; VACUUM FULL waits in many short goes that add up to this. Default 5.',
    ),
    throttle: throttleField,
  })
  .refine(({ full, tables }) => !full || tables.length > 0, {
    path: ['tables'],
    error: 'full needs the tables named',
  })
  .refine(({ full, parallel_workers }) => !full || parallel_workers === null, {
    path: ['parallel_workers'],
    error: 'VACUUM FULL cannot work in parallel',
  });
export type MvccCleanupConfig = z.infer<typeof config>;

export const taskType: TaskType<MvccCleanupConfig> = {
  type: 'MVCC_CLEANUP',
  category: 'storage',
  access: 'act',
  class: 'idempotent',
  description:
    'VACUUM of the tables with too many dead rows, or near transaction id wraparound; says who keeps dead rows from being removed.',
  config,
  newKeys: ['throttle'],
};

import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { lockTimeoutField, maxTablesField, tablesField, throttleField } from '../config-fields.ts';

const config = z
  .strictObject({
    tables: tablesField('those whose measured waste is at least bloat_threshold'),
    method: z
      .enum(['auto', 'vacuum', 'pg_repack', 'vacuum_full'])
      .default('auto')
      .describe(
        'auto = VACUUM, which gives back empty pages at the end; where that was not enough, pg_repack when it can be used, else VACUUM FULL when allow_full is true. The others do that alone. Default auto.',
      ),
    allow_full: z
      .boolean()
      .default(false)
      .describe(
        'Consent to VACUUM FULL: nobody can read or write a table until it is rewritten, and it needs disk space of its own size meanwhile. Default false.',
      ),
    max_full_mb: z
      .number()
      .positive()
      .default(1024)
      .describe('VACUUM FULL leaves tables alone that are larger than this many MiB, indexes included. Default 1024.'),
    bloat_threshold: z
      .number()
      .min(0)
      .max(100)
      .default(40)
      .describe(
        'Percent of a table, or of its TOAST table by itself, that is measured to be dead rows and free space beyond its fillfactor, from which it is compacted. Default 40.',
      ),
    min_size_mb: z
      .number()
      .min(0)
      .default(16)
      .describe('Smaller tables and TOAST tables, in MiB, are left alone unless they are named. Default 16.'),
    max_tables: maxTablesField.describe(
      'Most tables compacted in one run when none are named, the largest waste first; the next run goes on. Default 10.',
    ),
    max_read_mb: z
      .number()
      .min(0)
      .default(4096)
      .describe(
        'Most MiB of tables read to measure waste in one run when none are named; what had no turn is reported as skipped. Default 4096.',
      ),
    min_days_between_rewrites: z
      .number()
      .min(0)
      .default(7)
      .describe(
        'A table that is not named is rewritten no sooner than this many days after its last rewrite. Default 7.',
      ),
    lock_timeout_seconds: lockTimeoutField
      .default(6)
      .describe(
        'Seconds to wait for the lock on a table before the table is left alone; for a rewrite in many short goes of 0.1 s to 1 s that add up to this. Default 6.',
      ),
    max_transaction_age_seconds: z
      .int()
      .min(0)
      .default(60)
      .describe(
        'A rewrite is not begun while a transaction older than this keeps its dead rows, and pg_repack, which would have to wait for its end, not while one is open in the database. Default 60.',
      ),
    throttle: throttleField,
  })
  .refine(({ method, allow_full }) => method !== 'vacuum_full' || allow_full, {
    path: ['allow_full'],
    error: 'vacuum_full needs allow_full: true',
  });
export type StorageCompactionConfig = z.infer<typeof config>;

export const taskType: TaskType<StorageCompactionConfig> = {
  type: 'STORAGE_COMPACTION',
  category: 'storage',
  access: 'act',
  class: 'idempotent',
  description:
    'Gives the wasted space of tables back to the file system, by the gentlest means that does: VACUUM, pg_repack, and VACUUM FULL only with consent. Ends nobody.',
  config,
};

import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { concurrentFields, relationName, throttleField } from '../config-fields.ts';

const longestDays = 36_500;
/** `P30D`, `PT12H`, `P1DT6H`, `P4W`: whole days, weeks and hours, whose length does not depend on the calendar. */
const isoPeriod = /^P(?:\d{1,5}W(?:\d{1,5}D)?(?:T\d{1,6}H)?|\d{1,5}D(?:T\d{1,6}H)?|T\d{1,6}H)$/;

const columnName = z
  .string()
  .min(1)
  .max(63)
  .refine((name) => !name.includes('\0'), { error: 'A name holds no NUL character', params: { code: 'invalid_name' } });

const hold = z.strictObject({
  column: columnName.describe('Column of the table, by its exact name, e.g. "case_id".'),
  values: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .max(1_000)
    .describe('Rows with any of these values are kept; bound as parameters of the type of the column.'),
});
export type LegalHold = z.infer<typeof hold>;

const rule = z
  .strictObject({
    table: relationName.describe('The table by name, e.g. "public.events"; it may be partitioned, or a partition.'),
    column: columnName.describe(
      'Column that tells the age: date, timestamp (taken as UTC), timestamptz, or with unit an integer.',
    ),
    keep_days: z
      .int()
      .min(1)
      .max(longestDays)
      .nullable()
      .default(null)
      .describe(
        'Days of 24 hours to keep, counted back from the clock of the target. Either this or keep. Default null.',
      ),
    keep: z
      .string()
      .regex(isoPeriod)
      .nullable()
      .default(null)
      .describe('The same as an ISO 8601 period of weeks, days and hours, e.g. "P1DT12H". Default null.'),
    unit: z
      .enum(['seconds', 'milliseconds', 'microseconds'])
      .nullable()
      .default(null)
      .describe('What an integer column counts since 1970-01-01 UTC. null = the column is no integer. Default null.'),
    method: z
      .enum(['auto', 'drop_partitions', 'detach_partitions', 'delete'])
      .default('auto')
      .describe(
        'drop_partitions detaches expired partitions and drops them, detach_partitions stops after the detach, delete removes rows in batches. auto = drop_partitions where the table is partitioned by RANGE of this column alone, else delete. Default auto.',
      ),
    batch_rows: z
      .int()
      .min(1)
      .max(100_000)
      .default(5_000)
      .describe('Most rows deleted in one transaction. Default 5000.'),
    max_rows: z
      .int()
      .min(1)
      .default(1_000_000)
      .describe(
        'Most rows deleted from one table, or one partition, in one run; the next run goes on. Default 1000000.',
      ),
    max_partitions: z
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .describe('Most partitions dropped or detached in one run, the oldest first; the next run goes on. Default 10.'),
    allow_scan: z
      .boolean()
      .default(false)
      .describe(
        'Delete even where no index leads with the column, or a referencing table has no index for its foreign key: everything is read then. Default false.',
      ),
    export_to: z
      .string()
      .min(1)
      .max(4_096)
      .nullable()
      .default(null)
      .describe(
        'Folder on the host of the worker, below one of its file roots, to which rows are written and verified before they go. null = not exported. Default null.',
      ),
    legal_hold: z
      .array(hold)
      .max(20)
      .default([])
      .describe('Rows that may not go; a partition that holds any of them is kept as a whole. Default [].'),
  })
  .refine(({ keep, keep_days }) => (keep === null) !== (keep_days === null), {
    path: ['keep_days'],
    error: 'Expected either keep_days or keep',
    params: { code: 'one_of_keep_days_and_keep' },
  })
  .refine(({ keep }) => keep === null || /[1-9]/.test(keep), {
    path: ['keep'],
    error: 'A period of nothing would keep nothing',
    params: { code: 'empty_period' },
  });
export type RetentionRule = z.infer<typeof rule>;

const { max_blocking_seconds: _, ...gateFields } = concurrentFields;

const config = z.strictObject({
  rules: z
    .array(rule)
    .max(200)
    .default([])
    .describe('What is kept for how long, a rule a table; a table without a rule is never touched. Default [].'),
  dry_counts: z
    .boolean()
    .default(true)
    .describe(
      'Count the rows that would go, those on hold and those of referencing tables; what cannot be counted within five seconds is told as unknown. Default true.',
    ),
  cascade: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe(
      'When deleting would also delete or change rows of other tables (ON DELETE CASCADE, SET NULL, SET DEFAULT): refuse the rule, or go on. Default refuse.',
    ),
  pause_dead_rows: z
    .int()
    .min(0)
    .nullable()
    .default(1_000_000)
    .describe(
      'Wait for VACUUM while the table has more dead rows than this; what it has not removed after throttle.max_pause_seconds is left for the next run. null = not looked at. Default 1000000.',
    ),
  lock_limit_seconds: z
    .int()
    .min(1)
    .max(600)
    .default(10)
    .describe(
      'How long to try for ACCESS EXCLUSIVE in all, in goes of 0.1 to 1 second with pauses between. Default 10.',
    ),
  ...gateFields,
  max_blocking_seconds: concurrentFields.max_blocking_seconds
    .unwrap()
    .default(1)
    .describe('When others have waited for a detach longer than this, it gives way. Default 1.'),
  throttle: throttleField,
});
export type RetentionConfig = z.infer<typeof config>;

export const taskType: TaskType<RetentionConfig> = {
  type: 'RETENTION_ENFORCEMENT',
  category: 'storage',
  access: 'act',
  class: 'never_retry',
  description:
    'Drops or detaches partitions that are past their retention, or deletes expired rows in batches; counts first, keeps what is on legal hold, exports before it deletes where asked to. VACUUM is left to MVCC_CLEANUP.',
  config,
};

import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { folderField, throttleField } from '../config-fields.ts';

const pattern = z
  .string()
  .min(1)
  .max(100)
  .refine((text) => !/[/\p{Cc}]/u.test(text), {
    error: 'Expected a pattern of file names such as postgresql-*.log: * and ?, no slash',
    params: { code: 'invalid_pattern' },
  });

const rule = z
  .strictObject({
    root: folderField.describe('Folder whose own files are looked at; one of FILE_ROOTS of the worker, or within one.'),
    pattern: pattern.default('*.log').describe('Which files, by name: * for any characters, ? for one. Default *.log.'),
    min_age_days: z
      .number()
      .min(0)
      .max(36_500)
      .default(30)
      .describe('Files changed more recently, by the ledger’s clock, are left alone. Default 30.'),
    action: z
      .enum(['delete', 'compress', 'archive'])
      .default('compress')
      .describe('Remove the file, replace it by NAME.zst beside it, or move it to archive_to. Default compress.'),
    archive_to: folderField
      .nullable()
      .default(null)
      .describe('For archive: another folder of FILE_ROOTS; nothing in it is overwritten. Default null.'),
    keep_newest: z
      .int()
      .min(1)
      .max(100_000)
      .default(1)
      .describe('So many of the newest files of the pattern are left alone however old they are. Default 1.'),
  })
  .refine(({ action, archive_to }) => (action === 'archive') === (archive_to !== null), {
    path: ['archive_to'],
    error: 'archive_to goes with the action archive, and with no other',
  })
  .refine(({ root, archive_to }) => root !== archive_to, {
    path: ['archive_to'],
    error: 'archive_to is another folder than root',
  });
export type FileRule = z.infer<typeof rule>;

const config = z.strictObject({
  rotate_server_log: z
    .boolean()
    .default(false)
    .describe(
      'Make the server’s logging collector begin a new log file, before files are looked after. Default false.',
    ),
  rules: z
    .array(rule)
    .max(50)
    .default([])
    .describe(
      'What to do with which files on the worker’s host; of several rules for a file the first counts. Default none.',
    ),
  max_files: z
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .describe('Most files one run takes on, the oldest first; the next run goes on. Default 1000.'),
  max_mb: z
    .number()
    .positive()
    .default(10_240)
    .describe('Most MiB of files one run takes on; one that is larger is left alone, and told. Default 10240.'),
  min_free_mb: z
    .number()
    .min(0)
    .default(512)
    .describe(
      'A file is not compressed or archived where that would leave less than so many MiB free on the disk meanwhile. Default 512.',
    ),
  throttle: throttleField,
});
export type LogRotationConfig = z.infer<typeof config>;

export const taskType: TaskType<LogRotationConfig> = {
  type: 'LOG_ROTATION',
  category: 'storage',
  access: 'act',
  // Each step is bound to one file in one state, so doing it twice does nothing twice; and a file that is old enough stays so. Waiting for a person
  // after every crash would let the disk fill up.
  class: 'idempotent',
  description:
    'Rotates the server log, and deletes, compresses or archives old files in allowed folders of the worker’s host: exactly those that the plan shows.',
  config,
};

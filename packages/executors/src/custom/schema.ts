import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { concurrentFields, jsonObjectField, throttleField } from '../config-fields.ts';

const config = z.strictObject({
  template: z
    .string()
    .max(63)
    .default('')
    .describe('Name of the template, as an admin registered it. Required: the default, none, is refused.'),
  version: z
    .int()
    .min(0)
    .max(2_147_483_647)
    .default(0)
    .describe(
      'Which version of it; there is no "latest", for what runs must not change by itself. Required: the default, 0, is refused.',
    ),
  parameters: jsonObjectField
    .default({})
    .describe(
      'Values of the template\u2019s parameters by name, e.g. {"before": "2026-01-01T00:00:00Z"}. They are kept with the job, and shown to whoever may read it: no place for credentials. Default: those of the template.',
    ),
  max_rows: z
    .int()
    .min(1)
    .max(1_000)
    .default(100)
    .describe('Most rows of a SELECT that are kept in the result; 64 KiB at most, too. Default 100.'),
  table_lock_seconds: z
    .int()
    .min(1)
    .max(600)
    .default(5)
    .describe(
      'Seconds that a statement waits for its locks before it is given up, … INDEX CONCURRENTLY excepted. Default 5.',
    ),
  statement_timeout_seconds: z
    .int()
    .min(1)
    .max(86_400)
    .nullable()
    .default(null)
    .describe('Seconds that any one statement may take. null = what the task and its window have left. Default null.'),
  ...concurrentFields,
  throttle: throttleField,
});
export type CustomConfig = z.infer<typeof config>;

export const taskType: TaskType<CustomConfig> = {
  type: 'CUSTOM',
  category: 'custom',
  // What the most dangerous template needs: the class and access of a task are known before its template is read.
  access: 'act',
  class: 'never_retry',
  offUnless: 'CUSTOM_TASKS',
  description: 'Runs SQL that an admin registered as a template, with typed parameters that are bound, never spliced.',
  config,
};

import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { failOnField, lockTimeoutField, throttleField } from '../config-fields.ts';

const constraintName = z
  .string()
  .min(1)
  .max(400)
  .refine((name) => !name.includes('\0'), { error: 'A name holds no NUL character', params: { code: 'invalid_name' } });

const config = z.strictObject({
  accept: z
    .boolean()
    .default(false)
    .describe(
      'Takes the schema as it is now for the new baseline, and so settles every finding of drift. Default false: for a single run, not for a schedule.',
    ),
  ignore_partitions: z
    .boolean()
    .default(true)
    .describe('Whether leaf partitions are left out, with what belongs to them: they come and go. Default true.'),
  ignore_schemas: z
    .array(z.string().min(1).max(200))
    .max(500)
    .default([])
    .describe('Names of schemas that are left out with all that is in them. Default none.'),
  validate_constraints: z
    .boolean()
    .default(false)
    .describe(
      'Also VALIDATE the constraints of tables that were never validated, but none that rows break. Default false.',
    ),
  constraints: z
    .array(constraintName)
    .max(500)
    .default([])
    .describe(
      'With validate_constraints: which, as schema.table.constraint, e.g. "public.orders.orders_total_check". Default all. A name the target lacks is refused.',
    ),
  max_mb: z
    .number()
    .min(0)
    .default(10_240)
    .describe(
      'Most MiB of tables read by VALIDATE in one run, the smallest first; constraints named are validated whatever they cost. Default 10240.',
    ),
  count_limit: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1000)
    .describe('Rows that break a constraint are counted up to this many before anything is tried. Default 1000.'),
  count_budget_mb: z
    .int()
    .min(0)
    .default(1024)
    .describe('Most MiB of tables read to count such rows; constraints beyond are tried without. Default 1024.'),
  lock_timeout_seconds: lockTimeoutField,
  fail_on: failOnField,
  throttle: throttleField,
});
export type SchemaValidationConfig = z.infer<typeof config>;

export const taskType: TaskType<SchemaValidationConfig> = {
  type: 'SCHEMA_VALIDATION',
  category: 'durability',
  access: 'act',
  class: 'idempotent',
  description:
    'Compares the schema with the stored baseline and keeps what drifted as findings; validates constraints that were never validated where asked to.',
  config,
};

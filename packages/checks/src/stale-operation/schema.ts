import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  stale_after_seconds: z
    .number()
    .min(0)
    .default(600)
    .describe('A statement that has been running for longer than this is stale, in seconds. Default 600.'),
  idle_in_transaction_seconds: z
    .number()
    .min(0)
    .default(600)
    .describe('So is a session that has been idle inside a transaction for longer than this, in seconds. Default 600.'),
  prepared_transaction_seconds: z
    .number()
    .min(0)
    .default(600)
    .describe(
      'So is a transaction that was prepared longer ago than this and is still not finished, in seconds. Default 600.',
    ),
  xmin_age_transactions: z
    .int()
    .min(0)
    .default(1_000_000)
    .describe(
      'Whoever keeps VACUUM from removing rows that died longer ago than this, in transactions: a session, slot, prepared transaction or standby. Default 1000000.',
    ),
  include_dumps: z
    .boolean()
    .default(false)
    .describe(
      'Judge dumps and base backups too (pg_dump, pgBackRest and the like), which run for long by nature. Default false.',
    ),
  ignore_applications: z
    .array(z.string().min(1))
    .max(100)
    .default(['slacktide/%'])
    .describe(
      'Applications whose sessions are left out, by application_name; % stands for any text. Default ["slacktide/%"], which is ourselves.',
    ),
  ignore_roles: z
    .array(z.string().min(1))
    .max(100)
    .default([])
    .describe('Roles whose sessions are left out, by name; % stands for any text. Default [].'),
});
export type StaleOperationConfig = z.infer<typeof config>;

export const checkType: CheckType<StaleOperationConfig> = {
  name: 'stale_operation',
  description:
    'Statements that run for long, sessions idle in a transaction, clients that do not take their rows, forgotten prepared transactions, and whoever keeps VACUUM from removing dead rows; with whom they make wait.',
  config,
};

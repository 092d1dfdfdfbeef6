import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';

const patterns = (what: string) => z.array(z.string().min(1).max(200)).max(100).default([]).describe(what);

const ageSeconds = (byDefault: number, what: string) =>
  z.number().min(0).max(31_536_000).default(byDefault).describe(`${what} Default ${byDefault}.`);

const config = z.strictObject({
  stale_locks: z
    .boolean()
    .default(true)
    .describe('End sessions that hold an advisory lock and have been idle for long. Default true.'),
  idle_in_transaction: z
    .boolean()
    .default(true)
    .describe('End sessions that have been idle inside a transaction for long. Default true.'),
  long_statements: z
    .boolean()
    .default(false)
    .describe(
      'Cancel statements that have been running, or waiting for their client, for long; the session is ended only when it does not heed the cancel. Default false.',
    ),
  stale_lock_seconds: ageSeconds(300, 'A holder of an advisory lock that has been idle for longer than this is stale.'),
  idle_in_transaction_seconds: ageSeconds(600, 'So is a session idle inside a transaction for longer than this.'),
  long_statement_seconds: ageSeconds(3_600, 'So is a statement that has been running for longer than this.'),
  max_sessions: z
    .int()
    .min(1)
    .max(100)
    .default(5)
    .describe(
      'Most sessions ended in one run: those that make the most others wait first, then the oldest. Default 5.',
    ),
  cancel_wait_seconds: z
    .int()
    .min(1)
    .max(10)
    .default(10)
    .describe('How long a cancelled statement has to end before its session is terminated. Default 10.'),
  allow_applications: patterns(
    'Applications whose sessions are never touched, by application_name; % stands for any text. Ourselves and dumps never are, named or not. Default [].',
  ),
  allow_roles: patterns('Roles whose sessions are never touched, by name; % stands for any text. Default [].'),
  allow_keys: patterns(
    'Advisory locks that may be held as long as anybody likes: "42" for a bigint, "7,8" for two integers; % stands for any text. Default [].',
  ),
  rollback_prepared: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([])
    .describe(
      'Prepared transactions to roll back, by their exact gid, whatever their age. No other is ever rolled back. Default [].',
    ),
});
export type SessionCleanupConfig = z.infer<typeof config>;

export const taskType: TaskType<SessionCleanupConfig> = {
  type: 'SESSION_CLEANUP',
  category: 'sessions',
  access: 'act',
  class: 'never_retry',
  description:
    'Ends sessions that hold stale advisory locks or sit idle in a transaction, and cancels statements that run too long where asked to; each is in the audit log. Never ends superusers, replication, autovacuum, dumps or ourselves.',
  config,
};

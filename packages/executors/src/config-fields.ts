import { type JsonObject, throttleLimits } from '@slacktide/domain';
import { z } from 'zod';

const quotedPart = /"(?:[^"]|"")*"/g;
const neverUnquoted = /[";\p{Cc}]/u;

/**
 * One table or index as people write it: `orders`, `public.orders`, `public."Order; Items"`. It is looked up in the
 * catalogue and never spliced into SQL; what no name looks like is refused here already, before any target is asked.
 */
export const relationName = z
  .string()
  .min(1)
  .max(300)
  .refine((name) => !neverUnquoted.test(name.replace(quotedPart, '')), {
    error:
      'Expected a name such as orders, public.orders or public."Order Items"; quotes and semicolons only within quotes',
    params: { code: 'invalid_name' },
  })
  .refine((name) => !name.includes('\0'), { error: 'A name holds no NUL character', params: { code: 'invalid_name' } });

/** The key `tables` of every task type that works on tables. */
export const tablesField = (whenEmpty: string) =>
  z
    .array(relationName)
    .max(500)
    .default([])
    .describe(
      `Tables by name, e.g. "public.orders"; every one of them is worked on, due or not. Empty = ${whenEmpty}. A name the target lacks is refused.`,
    );

/** How long a statement may wait for its lock. 5 s: autovacuum gives way within 1 s, people's transactions may not be made to queue for long. */
export const lockTimeoutField = z
  .int()
  .min(1)
  .max(600)
  .default(5)
  .describe('Seconds to wait for the lock on a table before the table is left alone. Default 5.');

/** How many due tables one run takes on. */
export const maxTablesField = z
  .int()
  .min(1)
  .max(1000)
  .default(10)
  .describe('Most due tables worked on in one run, the most urgent first; the next run goes on. Default 10.');

/** Which tables when none are named. */
export const scopeField = z
  .enum(['due', 'all'])
  .default('due')
  .describe('When no tables are named: those that are due, up to max_tables, or all there are. Default due.');

/** A JSON object; whoever knows what it is for checks what is in it. */
export const jsonObjectField = z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject>;

/** How every … INDEX CONCURRENTLY is bounded. */
export const concurrentFields = {
  gate: z
    .enum(['wait', 'skip', 'go'])
    .default('wait')
    .describe(
      'When transactions are open that the statement would have to wait for: wait for them, skip the index, or go and wait within the statement. Default wait.',
    ),
  gate_timeout_seconds: z
    .int()
    .min(0)
    .max(3600)
    .default(60)
    .describe('How long to wait for those transactions before the index is skipped. Default 60.'),
  lock_timeout_seconds: z
    .int()
    .min(1)
    .max(600)
    .default(30)
    .describe('Bound of every single wait within the statement, for locks and for older snapshots. Default 30.'),
  max_blocking_seconds: z
    .int()
    .min(1)
    .max(600)
    .default(10)
    .describe('When others have waited for the statement longer than this, it gives way. Default 10.'),
};

/** The key `heed_advice` of every task type that rebuilds indexes. */
export const heedAdviceField = z
  .boolean()
  .default(true)
  .describe(
    'Leave an index alone when its own history (GET /effects) says that a rebuild is not worth it: it grew back within two weeks twice, or nothing was freed twice. The plan tells what to do instead. Does not hold for what is named. Default true.',
  );

/** The key `throttle` of every task type that acts on more than one object. */
export const throttleField = throttleLimits
  .prefault({} as never)
  .describe('How much load the target may be under for the work to go on with its next unit; else it waits.');

/** A folder on the worker's host, by its absolute path in its plainest form; whether the worker may touch it is for the worker to say. */
export const folderField = z
  .string()
  .max(1_000)
  .refine((path) => /^(?:\/[^/\p{Cc}]+)+$/u.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path), {
    error: 'Expected an absolute folder such as /var/log/postgresql, without . or .. or a slash at the end',
    params: { code: 'invalid_folder' },
  });

/** The key `fail_on` of task types that report findings. */
export const failOnField = z
  .enum(['none', 'warning', 'critical'])
  .default('none')
  .describe(
    'From which severity of a finding, muted or not, the task fails; its findings are kept either way. Default none.',
  );

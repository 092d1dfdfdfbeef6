import { z } from 'zod';

/** One table as people write it: `orders` or `public.orders`, quoted or not; looked up in the catalogue, never spliced into SQL. */
const tableName = z
  .string()
  .min(1)
  .max(300)
  .refine((name) => !name.includes('\0'), 'a name holds no NUL character');

/** The key `tables` of every task type that works on tables. */
export const tablesField = (whenEmpty: string) =>
  z
    .array(tableName)
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

import type { JsonObject } from '@slacktide/domain';
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

import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { concurrentFields, relationName, throttleField } from '../config-fields.ts';

/** Access methods of PostgreSQL itself. */
export const indexMethods = ['btree', 'hash', 'gin', 'gist', 'brin', 'spgist'] as const;

/** A name as the catalogue has it, without quotes: it is looked up there, or quoted by the server, and never spliced. */
const plainName = z
  .string()
  .min(1)
  .max(63)
  .refine((name) => !name.includes('\0') && Buffer.byteLength(name) <= 63, {
    error: 'A name has 63 bytes at most, and none of them is NUL',
    params: { code: 'invalid_name' },
  });

const column = z.strictObject({
  name: plainName.describe('A column of the table, exactly as it is called. Expressions are not taken. Required.'),
  order: z.enum(['asc', 'desc']).default('asc').describe('Sort order, for methods that sort. Default asc.'),
  nulls: z
    .enum(['first', 'last'])
    .nullable()
    .default(null)
    .describe('Where NULLs sort. null = last when ascending, first when descending. Default null.'),
  opclass: z
    .string()
    .min(1)
    .max(130)
    .nullable()
    .default(null)
    .describe('Operator class, e.g. text_pattern_ops; looked up. null = the default of the type. Default null.'),
});
export type ColumnConfig = z.infer<typeof column>;

const config = z.strictObject({
  table: relationName
    .or(z.literal(''))
    .default('')
    .describe('The table that gets the index, e.g. "public.orders"; of a partitioned one every partition. Required.'),
  columns: z
    .array(column)
    .max(32)
    .default([])
    .describe('Columns of the key, in their order. At least one is required. Default: none.'),
  include: z
    .array(plainName)
    .max(31)
    .default([])
    .describe('Columns that are stored besides the key, for scans of the index alone. Default: none.'),
  unique: z.boolean().default(false).describe('Whether no two rows may have the same key. Default false.'),
  method: z.enum(indexMethods).default('btree').describe('Access method of the index. Default btree.'),
  where_not_null: z
    .array(plainName)
    .max(32)
    .default([])
    .describe('Only rows are indexed in which none of these columns is NULL. Default: none, so every row is.'),
  name: plainName
    .nullable()
    .default(null)
    .describe('Name of the index, without schema. null = made of the names of table and columns. Default null.'),
  if_exists: z
    .enum(['skip', 'refuse'])
    .default('skip')
    .describe(
      'When the table has just this index already: there is nothing to do, or the task is refused. Default skip.',
    ),
  allow_redundant: z
    .boolean()
    .default(false)
    .describe('Make it even if another index of the table does the same work already. Default false.'),
  ...concurrentFields,
  throttle: throttleField,
});
export type IndexCreateConfig = z.infer<typeof config>;

export const taskType: TaskType<IndexCreateConfig> = {
  type: 'INDEX_CREATE',
  category: 'index',
  access: 'act',
  class: 'compensable',
  description:
    'CREATE INDEX CONCURRENTLY on one table; on a partitioned one partition by partition, attached at the end. Refuses what an index does already. Verified; nothing invalid is left behind by a failure or a cancel.',
  config,
};

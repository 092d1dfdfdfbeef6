import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { relationName, tablesField } from '../config-fields.ts';

const off = (what: string) => z.boolean().default(false).describe(`${what} Default false.`);

const config = z
  .strictObject({
    tables: tablesField('all relations in turn, system catalogues and TOAST included, up to max_mb'),
    indexes: z
      .array(relationName)
      .max(500)
      .default([])
      .describe(
        'Indexes by name, e.g. "public.orders_pkey", besides those of the tables named. Default []. A name the target lacks is refused.',
      ),
    heapallindexed: off('Also verify that every row has its entry in the index, which reads the table too.'),
    parent_check: off(
      'Verify with bt_index_parent_check, which also compares the levels of the tree. It takes a SHARE lock: nobody writes to the table meanwhile. A standby refuses it.',
    ),
    rootdescend: off('With parent_check: also find every entry anew from the root. Slow.'),
    check_unique: off('Also verify that unique indexes hold no two visible rows of a key. Needs amcheck 1.4.'),
    check_heap: off('Also verify tables, materialized views and their TOAST tables with verify_heapam.'),
    check_gin: z
      .boolean()
      .default(true)
      .describe('Also verify GIN indexes, where amcheck is 1.5 or later. Default true.'),
    max_mb: z
      .number()
      .min(0)
      .default(4096)
      .describe(
        'Most MiB verified in one run when nothing is named; the next run goes on where this one ends. A relation larger than this is never reached. Default 4096.',
      ),
    max_relations: z
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe('Most relations verified in one run when nothing is named. Default 1000.'),
    max_seconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(600)
      .describe(
        'Most seconds spent on one relation. As long as it lasts, VACUUM removes no row that died meanwhile. Default 600.',
      ),
    max_blocking_seconds: z
      .int()
      .min(1)
      .max(3600)
      .default(10)
      .describe('With parent_check: most seconds a table may be closed to writers; then it is given up. Default 10.'),
  })
  .superRefine(({ parent_check, rootdescend }, ctx) => {
    if (!rootdescend || parent_check) return;
    const message = 'rootdescend is a part of parent_check: switch that on, too';
    ctx.addIssue({ code: 'custom', path: ['rootdescend'], message, params: { code: 'needs_parent_check' } });
  });
export type IndexConsistencyConfig = z.infer<typeof config>;

export const taskType: TaskType<IndexConsistencyConfig> = {
  type: 'INDEX_CONSISTENCY_CHECK',
  category: 'index',
  access: 'observe',
  class: 'idempotent',
  description:
    'Verifies indexes, and tables where asked to, with amcheck, one by one: those named, or all in turn within a budget. Corruption fails the task and is kept as a finding; nothing is repaired.',
  config,
};

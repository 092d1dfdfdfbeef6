import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { concurrentFields, heedAdviceField, throttleField } from '../config-fields.ts';

const config = z.strictObject({
  rebuild: z
    .boolean()
    .default(true)
    .describe('Rebuild indexes whose measured waste is over bloat_threshold, as INDEX_REBUILD does. Default true.'),
  drop_duplicate: z
    .boolean()
    .default(false)
    .describe('Drop indexes that do exactly what another index of their table does. Default false.'),
  drop_redundant: z
    .boolean()
    .default(false)
    .describe('Drop indexes that answer nothing that a wider index of their table does not. Default false.'),
  drop_unused: z
    .boolean()
    .default(false)
    .describe('Drop indexes that no query used on any node for unused_days. Default false.'),
  schemas: z
    .array(z.string().min(1).max(63))
    .max(100)
    .default([])
    .describe('Where to look. Default empty = in every schema.'),
  bloat_threshold: z
    .number()
    .min(1)
    .max(100)
    .default(40)
    .describe('Percent of an index that is waste, as measured, from which it is rebuilt. Default 40.'),
  min_size_mb: z
    .number()
    .min(0)
    .default(1)
    .describe('Smaller indexes, in MiB, are neither measured nor rebuilt. Default 1.'),
  max_measured_mb: z
    .number()
    .min(1)
    .default(4096)
    .describe('Most MiB of indexes read to measure waste in one run; the next run goes on. Default 4096.'),
  max_rebuilds: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe('Most indexes rebuilt in one run, the largest waste first. Default 10.'),
  max_rebuild_mb: z
    .number()
    .min(1)
    .default(51_200)
    .describe(
      'Most MiB of indexes rebuilt in one run; an index that is larger has to be named to INDEX_REBUILD. Default 51200.',
    ),
  heed_advice: heedAdviceField,
  unused_days: z
    .int()
    .min(1)
    .max(365)
    .default(35)
    .describe(
      'Days for which every node must have been watched without a gap and without a scan, for an index to be unused. Should hold the end of a month. Default 35.',
    ),
  min_table_size_mb: z
    .number()
    .min(0)
    .default(1)
    .describe('Unused indexes of tables smaller than this, in MiB, stay: no query needs them yet. Default 1.'),
  max_drops: z.int().min(1).max(1_000).default(5).describe('Most indexes dropped in one run. Default 5.'),
  max_minutes: z
    .int()
    .min(1)
    .max(10_080)
    .default(240)
    .describe('After so many minutes no further index is begun. Default 240.'),
  require_rehearsal: z
    .boolean()
    .default(true)
    .describe(
      'Keep an index when its drop cannot be rehearsed on the statements of its table, for want of pg_stat_statements or because none of them can be planned. Default true.',
    ),
  max_cost_increase_percent: z
    .number()
    .min(0)
    .max(10_000)
    .default(20)
    .describe(
      'Keep an index when the planned cost of one of these statements grows by more than so many percent without it. Default 20.',
    ),
  top_statements: z
    .int()
    .min(1)
    .max(200)
    .default(20)
    .describe('How many statements of the table, by their total time, are rehearsed and watched. Default 20.'),
  watch_hours: z
    .int()
    .min(0)
    .max(720)
    .default(72)
    .describe('How long the statements are watched after a drop. 0 = not at all. Default 72.'),
  watch_every_minutes: z
    .int()
    .min(1)
    .max(1_440)
    .default(15)
    .describe('How often they are looked at meanwhile. Default 15.'),
  watch_min_calls: z
    .int()
    .min(2)
    .max(1_000_000)
    .default(20)
    .describe('Executions before and after the drop from which a statement is judged. Default 20.'),
  watch_max_slower_percent: z
    .number()
    .min(1)
    .max(10_000)
    .default(50)
    .describe('How much longer the mean time of a statement may get, besides what noise explains. Default 50.'),
  roll_back_when_worse: z
    .boolean()
    .default(true)
    .describe('Make the index again by itself when a watched statement gets significantly worse. Default true.'),
  ...concurrentFields,
  throttle: throttleField,
});
export type IndexOptimizeConfig = z.infer<typeof config>;

export const taskType: TaskType<IndexOptimizeConfig> = {
  type: 'INDEX_OPTIMIZE',
  category: 'index',
  access: 'act',
  class: 'never_retry',
  description:
    'Rebuilds indexes by measured waste and, each only when asked for, drops duplicate, redundant and unused ones: rehearsed on the statements of the table, with a way back, watched afterwards.',
  config,
};

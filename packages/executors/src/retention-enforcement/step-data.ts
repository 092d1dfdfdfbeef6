import type { PlannedStep } from '@slacktide/application/ports';
import { z } from 'zod';

const count = z.union([z.number(), z.literal('unknown'), z.null()]);
const holdParameters = z.array(z.array(z.string()));

/** What a step about a partition carries from plan to run. */
const partitionData = z.object({
  partition_oid: z.number(),
  parent_oid: z.number(),
  parent: z.string(),
  bound: z.string(),
  cutoff: z.string(),
  mode: z.enum(['concurrently', 'plain', 'finalize']),
  drops: z.boolean(),
  check: z.string().nullable(),
  held_sql: z.string().nullable(),
  hold_parameters: holdParameters,
  rows: count,
  rows_estimated: z.number(),
  attach_sql: z.string(),
  export_to: z.string().nullable(),
});
export type PartitionData = z.infer<typeof partitionData>;

export function partitionDataOf(step: PlannedStep): PartitionData {
  return partitionData.parse(step.data);
}

/** What a step about deleting rows carries from plan to run. */
const deleteData = z.object({
  table_oid: z.number(),
  column: z.string(),
  cutoff: z.string(),
  from: z.string(),
  batch_rows: z.number(),
  max_rows: z.number(),
  scan: z.boolean(),
  hold_parameters: holdParameters,
  rows: count,
  fan_out: z.array(z.object({ constraint_oid: z.number(), on_delete: z.string() })),
  export_to: z.string().nullable(),
  left_sql: z.string(),
});
export type DeleteData = z.infer<typeof deleteData>;

export function deleteDataOf(step: PlannedStep): DeleteData {
  return deleteData.parse(step.data);
}

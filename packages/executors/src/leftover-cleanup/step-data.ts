import type { PlannedStep, StepRun } from '@slacktide/application/ports';
import { z } from 'zod';
import type { LeftoverCleanupConfig } from './schema.ts';

export type Run = StepRun<LeftoverCleanupConfig>;

const data = z.object({
  work: z.enum(['drop', 'rebuild', 'complete']),
  class: z.string().nullable(),
  table_oid: z.number(),
  table: z.string(),
  grant: z.string().nullable(),
  rollback_sql: z.array(z.string()),
});

/** What a step's data say, read back. */
export interface StepData extends z.infer<typeof data> {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}

export function readStepData(step: PlannedStep): StepData {
  const { oid, schema, name } = step.object;
  if (oid === null || schema === null) throw new Error(`expected an index in ${step.key}`);
  return { ...data.parse(step.data), oid, schema, name };
}

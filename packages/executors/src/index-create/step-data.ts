import type { PlannedStep, StepRun } from '@slacktide/application/ports';
import { z } from 'zod';
import type { IndexCreateConfig } from './schema.ts';
import type { NewIndex } from './steps.ts';

export type Run = StepRun<IndexCreateConfig>;

/** What a step's data say, read back. */
export interface StepData {
  readonly work: NewIndex['kind'];
  readonly tableOid: number;
  /** `schema.name`, quoted. */
  readonly table: string;
  readonly schema: string;
  /** Of the index, without its schema, as the catalogue has it. */
  readonly name: string;
  readonly parent: string | null;
  readonly rootOid: number;
  /** The partitioned index that was asked for, `schema.name` quoted; null = the table is not partitioned. */
  readonly rootIndex: string | null;
  /** Tables of the tree on which the role may make no index: then none of it is begun. */
  readonly notPermitted: readonly { readonly table: string; readonly grant: string | null }[];
  readonly unique: boolean;
  readonly isLast: boolean;
  readonly restore: readonly string[];
  readonly makesRedundant: readonly string[];
}

const data = z.object({
  work: z.enum(['build', 'whole', 'attach', 'rebuild']),
  table_oid: z.number(),
  table: z.string(),
  parent: z.string().nullable(),
  root_oid: z.number(),
  root_index: z.string().nullable(),
  not_permitted: z.array(z.object({ table: z.string(), grant: z.string().nullable() })),
  unique: z.boolean(),
  is_last: z.boolean(),
  restore: z.array(z.string()),
  makes_redundant: z.array(z.string()),
});

export function readStepData(step: PlannedStep): StepData {
  const { schema, name } = step.object;
  if (schema === null) throw new Error(`expected an index in ${step.key}`);
  const read = data.parse(step.data);
  return {
    schema,
    name,
    work: read.work,
    tableOid: read.table_oid,
    table: read.table,
    parent: read.parent,
    rootOid: read.root_oid,
    rootIndex: read.root_index,
    notPermitted: read.not_permitted,
    unique: read.unique,
    isLast: read.is_last,
    restore: read.restore,
    makesRedundant: read.makes_redundant,
  };
}

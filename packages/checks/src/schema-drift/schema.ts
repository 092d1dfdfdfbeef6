import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  accept: z
    .boolean()
    .default(false)
    .describe(
      'Takes the schema as it is now for the new baseline, and so settles every finding. Default false: for a single run, not for a schedule.',
    ),
  ignore_partitions: z
    .boolean()
    .default(true)
    .describe(
      'Whether leaf partitions are left out, with their indexes, constraints and triggers: they come and go by policy. Default true.',
    ),
  ignore_schemas: z
    .array(z.string())
    .default([])
    .describe('Names of schemas that are left out with all that is in them. Default none.'),
});
export type SchemaDriftConfig = z.infer<typeof config>;

export const checkType: CheckType<SchemaDriftConfig> = {
  name: 'schema_drift',
  description:
    'What became of tables, constraints, indexes, views, routines, types, sequences and policies since the first look, or since the schema was last accepted.',
  config,
};

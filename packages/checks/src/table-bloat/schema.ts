import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  bloat_threshold: z
    .number()
    .min(0)
    .max(100)
    .default(40)
    .describe(
      'Percent of a table that is dead rows and free space, beyond what its fillfactor leaves free, from which it is reported. Default 40.',
    ),
  min_size_mb: z
    .number()
    .min(0)
    .default(1)
    .describe('Smaller tables and TOAST tables, in MiB, are neither measured nor reported. Default 1.'),
  max_read_mb: z
    .number()
    .min(0)
    .default(1024)
    .describe(
      'Most MiB read in one run; pages that are all visible are not read. The next run goes on with those whose last measurement is the oldest. A table with more to read is never read. Default 1024.',
    ),
  max_relations: z
    .int()
    .min(1)
    .default(1000)
    .describe('Most tables and TOAST tables measured in one run. Default 1000.'),
});
export type TableBloatConfig = z.infer<typeof config>;

export const checkType: CheckType<TableBloatConfig> = {
  name: 'table_bloat',
  description:
    'Tables, materialized views and TOAST tables that are mostly dead rows or free space: measured with pgstattuple, within a budget of bytes a run. Dead rows come with a VACUUM; free space with what giving it back would cost.',
  config,
};

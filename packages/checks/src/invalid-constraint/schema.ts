import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  count_limit: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1_000)
    .describe('Rows that break a constraint are counted up to this many; 0 counts none. Default 1000.'),
  count_budget_mb: z
    .int()
    .min(0)
    .default(1_024)
    .describe(
      'Tables read in one run to count such rows, in MiB; constraints beyond that are not counted. Default 1024.',
    ),
});
export type InvalidConstraintConfig = z.infer<typeof config>;

export const checkType: CheckType<InvalidConstraintConfig> = {
  name: 'invalid_constraint',
  description:
    'Constraints of tables and domains that were never validated, and constraints whose own triggers are disabled, with the rows that break them.',
  config,
};

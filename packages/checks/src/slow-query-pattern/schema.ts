import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const config = z.strictObject({
  window_hours: z
    .number()
    .positive()
    .max(720)
    .default(24)
    .describe('How far back the executions are counted that make a statement slow, in hours. Default 24.'),
  min_mean_ms: z
    .number()
    .min(0)
    .default(100)
    .describe('A statement is slow when an execution takes this many milliseconds on average. Default 100.'),
  min_calls: z
    .int()
    .min(1)
    .default(3)
    .describe('Statements executed less often than this in the window are not judged. Default 3.'),
  min_time_share: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe(
      'Share of the execution time of all statements, from 0 to 1, from which on a statement is worth a look, slow or not. Default 0.2.',
    ),
  min_total_seconds: z
    .number()
    .min(0)
    .default(60)
    .describe('A share of the time counts only where it is at least this many seconds in the window. Default 60.'),
  baseline_hours: z
    .number()
    .positive()
    .max(2160)
    .default(168)
    .describe('How far back earlier looks are used to learn what is usual of a statement, in hours. Default 168.'),
  min_baseline_looks: z
    .int()
    .min(5)
    .default(5)
    .describe('What is usual is known from this many times between two looks, not from fewer. Default 5.'),
});
export type SlowQueryPatternConfig = z.infer<typeof config>;

export const checkType: CheckType<SlowQueryPatternConfig> = {
  name: 'slow_query_pattern',
  description:
    'Statements that are slow, that take much of the time, or that became slower than they used to be, by what pg_stat_statements counted between looks.',
  config,
};

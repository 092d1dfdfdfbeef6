import { z } from 'zod';
import type { CheckType } from '../check-type.ts';

const ratio = z.number().min(0).max(1);
const config = z.strictObject({
  window_hours: z
    .number()
    .positive()
    .max(720)
    .default(24)
    .describe('How far back reads and writes are counted, in hours. Default 24.'),
  heavy_ratio: ratio
    .min(0.5)
    .default(0.8)
    .describe(
      'Share of rows read from which on the workload is read-heavy, and of rows written from which on it is write-heavy; between them it is mixed. Default 0.8.',
    ),
  min_rows: z
    .int()
    .min(1)
    .default(100)
    .describe('Fewer rows read and written than this in the window say nothing about the workload. Default 100.'),
  min_updates: z
    .int()
    .min(1)
    .default(1000)
    .describe('Tables with fewer updates than this in the window are not judged by their HOT updates. Default 1000.'),
  min_hot_ratio: ratio
    .default(0.5)
    .describe('Share of updates that should be HOT, which touch no index, from 0 to 1. Default 0.5.'),
});
export type WorkloadConfig = z.infer<typeof config>;

export const checkType: CheckType<WorkloadConfig> = {
  name: 'workload',
  description:
    'Whether the database is read or written more, from the rows read and written between two looks on the primary and its standbys; and tables whose updates are seldom HOT.',
  config,
};

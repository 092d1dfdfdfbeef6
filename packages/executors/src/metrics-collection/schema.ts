import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';

const config = z.strictObject({
  top_relations: z
    .int()
    .min(1)
    .max(1000)
    .default(50)
    .describe('How many of the largest tables, and of the largest indexes, get size and usage samples. Default 50.'),
  bloat: z
    .boolean()
    .default(true)
    .describe('Measure the bloat of the largest tables and indexes by pgstattuple. Default true.'),
  max_measured_mb: z
    .number()
    .min(0)
    .default(1024)
    .describe('Most MiB that the bloat measurements of one run may read, the largest suspects first. Default 1024.'),
  min_measured_mb: z
    .number()
    .min(0)
    .default(1)
    .describe('Tables and indexes smaller than this many MiB are not measured. Default 1.'),
});
export type MetricsCollectionConfig = z.infer<typeof config>;

export const taskType: TaskType<MetricsCollectionConfig> = {
  type: 'METRICS_COLLECTION',
  category: 'observation',
  access: 'observe',
  class: 'idempotent',
  description: 'Samples of sizes, activity, transaction ages and bloat, kept for trends and forecasts.',
  config,
};

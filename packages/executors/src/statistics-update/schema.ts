import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { lockTimeoutField, maxTablesField, scopeField, tablesField, throttleField } from '../config-fields.ts';

const config = z.strictObject({
  tables: tablesField('those whose planner statistics are due'),
  scope: scopeField,
  max_tables: maxTablesField,
  modified_percent: z
    .number()
    .min(0)
    .max(1000)
    .nullable()
    .default(null)
    .describe(
      "Due when more rows changed than modified_rows plus this percentage of the table's rows. null = the table's own autovacuum_analyze_scale_factor, else the server's. Default null.",
    ),
  modified_rows: z
    .int()
    .min(0)
    .nullable()
    .default(null)
    .describe(
      "Changed rows always tolerated. null = the table's own autovacuum_analyze_threshold, else the server's. Default null.",
    ),
  stale_threshold_hours: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'Also due when the latest ANALYZE is older than this many hours and at least one row changed since. null = age alone makes nothing due. Default null.',
    ),
  min_table_size_mb: z
    .number()
    .min(0)
    .default(0)
    .describe('Tables smaller than this many MiB are never due. Default 0: every size.'),
  lock_timeout_seconds: lockTimeoutField,
  throttle: throttleField,
});
export type StatisticsUpdateConfig = z.infer<typeof config>;

export const taskType: TaskType<StatisticsUpdateConfig> = {
  type: 'STATISTICS_UPDATE',
  category: 'statistics',
  access: 'act',
  class: 'idempotent',
  description: 'ANALYZE of the tables whose planner statistics are missing or out of date, the most urgent first.',
  config,
  newKeys: ['throttle'],
};

import { z } from 'zod';
import type { CheckName } from './finding.ts';
import type { JsonObject } from './json.ts';

const enabled = (what: string) => z.boolean().default(true).describe(`${what} Default true.`);
const intervalHours = (hours: number) =>
  z
    .number()
    .min(0)
    .max(8_760)
    .default(hours)
    .describe(
      `Least hours between two runs of the step; 0 = every run. Default ${hours}${hours === 0 ? '' : ' hours'}.`,
    );
const intervalSeconds = (seconds: number) =>
  z.int().min(0).max(31_536_000).default(seconds).describe(`Least seconds between two runs. Default ${seconds}.`);

const windowHour = (what: string) => z.int().min(0).max(23).nullable().default(null).describe(`${what} Default null.`);
const automatic = (what: string) => z.boolean().default(false).describe(`${what} Default false.`);

/** One feature: an object that may be left out, in whole or in part. */
function feature<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).prefault({} as never);
}

/**
 * The settings of care, with the keys and defaults of the document that the run comes from (its "Configuration"). Keys it has no name for, the
 * switches and intervals of steps that it runs always, are ours, in its manner.
 */
export const careSettings = z.strictObject({
  operational: feature({
    maintenance_tasks: feature({ enabled: enabled('The master switch: false skips the whole run.') }),
    maintenance_window: feature({
      start_hour: windowHour('What a run sets off begins no earlier, in UTC; null with end_hour null = at any time.'),
      end_hour: windowHour('And ends no later.'),
    }),
  }),
  features: feature({
    bypass_status: feature({
      enabled: enabled('Step 0: tell which safeguards are off, overridden or bypassed.'),
      interval_hours: intervalHours(0),
    }),
    integrity_check: feature({
      enabled: enabled('Step 1: look for corruption and constraints that hold nothing.'),
      interval_hours: intervalHours(0),
    }),
    orphaned_index_cleanup: feature({
      enabled: enabled('Step 2: find what unfinished work left of indexes.'),
      interval_hours: intervalHours(0),
      auto_cleanup: automatic('Have LEFTOVER_CLEANUP drop what is proven to be a leftover.'),
    }),
    invalid_index_cleanup: feature({
      enabled: enabled('Step 3: find invalid indexes.'),
      interval_hours: intervalHours(0),
      auto_cleanup: automatic('Have LEFTOVER_CLEANUP drop or repair what is proven to be a leftover.'),
    }),
    advisory_lock_cleanup: feature({
      enabled: enabled('Step 4: find abandoned advisory locks.'),
      interval_hours: intervalHours(0),
      stale_after_seconds: z
        .int()
        .min(1)
        .default(300)
        .describe('A lock whose holder has been idle for so long counts as abandoned. Default 300.'),
      auto_cleanup: automatic('Have SESSION_CLEANUP end the sessions that hold them.'),
    }),
    stale_operation_check: feature({
      enabled: enabled('Step 5: find operations that have been running too long.'),
      interval_hours: intervalHours(0),
      stale_after_seconds: z.int().min(1).default(600).describe('Longer than this is too long. Default 600.'),
    }),
    index_cleanup: feature({
      enabled: enabled('Step 6: find unused indexes.'),
      interval_hours: intervalHours(0),
      min_scans: z
        .int()
        .min(1)
        .default(10)
        .describe('Fewer scans than this in the window count as unused. Default 10.'),
      days_unused: z.number().min(0).max(365).default(7).describe('The window, in days. Default 7.'),
      auto_cleanup: automatic('Have INDEX_OPTIMIZE drop what is found, one by one, each rehearsed and watched.'),
      max_drops: z.int().min(1).max(100).default(5).describe('Most indexes dropped by one run. Default 5.'),
    }),
    index_health: feature({
      enabled: enabled('Step 7: measure the bloat of indexes.'),
      interval_hours: intervalHours(0),
      bloat_threshold: z
        .number()
        .min(0)
        .max(100)
        .default(20)
        .describe('Percent of waste from which an index is bloated. Default 20.'),
      min_size_mb: z.number().min(0).default(1).describe('Smaller indexes are left out, in MiB. Default 1.'),
      auto_reindex: automatic('Have INDEX_REBUILD rebuild what is found, as often as reindex_schedule says.'),
      reindex_schedule: z
        .enum(['weekly', 'monthly', 'on_demand'])
        .default('weekly')
        .describe('How often bloated indexes are rebuilt; on_demand = by a forced run only. Default weekly.'),
      max_indexes: z.int().min(1).max(10_000).default(10).describe('Most indexes rebuilt by one run. Default 10.'),
      max_total_mb: z
        .int()
        .min(1)
        .nullable()
        .default(null)
        .describe('Most MiB of indexes rebuilt by one run; null = no limit. Default null.'),
      max_minutes: z
        .int()
        .min(1)
        .max(1_440)
        .default(60)
        .describe('Longest that one rebuilding run may take. Default 60.'),
    }),
    pattern_learning: feature({
      enabled: enabled('Step 8: learn from slow and fast queries.'),
      interval: intervalSeconds(3_600),
    }),
    statistics_refresh: feature({
      enabled: enabled('Step 9: find stale planner statistics.'),
      interval_hours: intervalHours(24),
      stale_threshold_hours: z
        .number()
        .positive()
        .default(24)
        .describe('Older statistics of changed tables are stale. Default 24.'),
      min_table_size_mb: z.number().min(0).default(10).describe('Smaller tables are left out, in MiB. Default 10.'),
      auto_analyze: z
        .boolean()
        .default(true)
        .describe('Have STATISTICS_UPDATE analyze what is due, ten tables a run. Default true.'),
    }),
    redundant_index_detection: feature({
      enabled: enabled('Step 10: find redundant and duplicate indexes.'),
      interval_hours: intervalHours(0),
    }),
    workload_analysis: feature({
      enabled: enabled('Step 11: tell reads from writes.'),
      interval_hours: intervalHours(6),
    }),
    foreign_key_suggestions: feature({
      enabled: enabled('Step 12: find foreign keys without an index.'),
      interval_hours: intervalHours(6),
    }),
    concurrent_index_monitoring: feature({
      enabled: enabled('Step 13: find concurrent index builds that hang.'),
      interval_hours: intervalHours(0),
    }),
    materialized_view_support: feature({
      enabled: enabled('Step 14: look at materialised views and their indexes.'),
      interval_hours: intervalHours(12),
    }),
    safeguard_metrics: feature({
      enabled: enabled('Step 15: tell how often safeguards had to step in.'),
      interval_hours: intervalHours(0),
    }),
    predictive_maintenance: feature({
      enabled: enabled('Step 16: forecast which indexes will need a rebuild.'),
      interval: intervalSeconds(86_400),
    }),
    ml_interception: feature({
      training_enabled: enabled('Step 17: train the query classifier.'),
      training_interval: intervalSeconds(86_400),
    }),
  }),
});
export type CareSettings = z.infer<typeof careSettings>;

/** What holds where nobody said anything else. */
export const defaultCareSettings: CareSettings = careSettings.parse({ operational: {}, features: {} });

/** What the settings say of the thresholds of checks, by check. */
export function careCheckConfigs({ features }: CareSettings): Readonly<Partial<Record<CheckName, JsonObject>>> {
  const { index_cleanup, index_health, statistics_refresh, advisory_lock_cleanup, stale_operation_check } = features;
  return {
    stale_advisory_lock: { stale_after_seconds: advisory_lock_cleanup.stale_after_seconds },
    stale_operation: { stale_after_seconds: stale_operation_check.stale_after_seconds },
    unused_index: { min_scans: index_cleanup.min_scans, days_unused: index_cleanup.days_unused },
    index_bloat: { bloat_threshold: index_health.bloat_threshold, min_size_mb: index_health.min_size_mb },
    stale_statistics: {
      stale_threshold_hours: statistics_refresh.stale_threshold_hours,
      min_table_size_mb: statistics_refresh.min_table_size_mb,
    },
  };
}

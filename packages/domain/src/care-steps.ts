import type { CareSettings } from './care-settings.ts';
import type { CheckName } from './finding.ts';

/** One of the eighteen steps of care. */
export interface CareStep {
  /** 0 to 17: their order. */
  readonly number: number;
  /** E.g. `06-unused-indexes`: unique, and in order. */
  readonly key: string;
  readonly title: string;
  /** Its name in the run's document, within `cleanup` unless it is `integrity_check`; null = it has no place there. */
  readonly document: string | null;
  /** The checks that it runs. */
  readonly checks: readonly CheckName[];
  readonly enabled: (features: CareSettings['features']) => boolean;
  /** Least time between two runs, in seconds; 0 = every run. */
  readonly intervalSeconds: (features: CareSettings['features']) => number;
}

const hour = 3_600;

type Timed = {
  [Name in keyof CareSettings['features']]: CareSettings['features'][Name] extends {
    enabled: boolean;
    interval_hours: number;
  }
    ? Name
    : never;
}[keyof CareSettings['features']];

function step(
  number: number,
  name: string,
  title: string,
  feature: Timed,
  document: string | null,
  checks: readonly CheckName[],
): CareStep {
  return {
    number,
    key: `${String(number).padStart(2, '0')}-${name}`,
    title,
    document,
    checks,
    enabled: (features) => features[feature].enabled,
    intervalSeconds: (features) => features[feature].interval_hours * hour,
  };
}

/** The steps in their order: that of the document which the run comes from. */
export const careSteps: readonly CareStep[] = [
  step(0, 'bypass-status', 'Bypass status', 'bypass_status', null, []),
  step(1, 'integrity', 'Database integrity', 'integrity_check', 'integrity_check', ['integrity', 'invalid_constraint']),
  step(2, 'orphaned-indexes', 'Orphaned indexes', 'orphaned_index_cleanup', 'orphaned_indexes', ['orphaned_index']),
  step(3, 'invalid-indexes', 'Invalid indexes', 'invalid_index_cleanup', 'invalid_indexes', ['invalid_index']),
  step(4, 'stale-advisory-locks', 'Stale advisory locks', 'advisory_lock_cleanup', 'stale_advisory_locks', [
    'stale_advisory_lock',
  ]),
  step(5, 'stale-operations', 'Stale operations', 'stale_operation_check', 'stale_operations', ['stale_operation']),
  step(6, 'unused-indexes', 'Unused indexes', 'index_cleanup', 'unused_indexes_found', ['unused_index']),
  step(7, 'index-health', 'Index health', 'index_health', 'index_health', ['index_bloat']),
  {
    number: 8,
    key: '08-pattern-learning',
    title: 'Query patterns',
    document: 'pattern_learning',
    // Keeps the look that the next one is compared with.
    checks: ['slow_query_pattern'],
    enabled: (features) => features.pattern_learning.enabled,
    intervalSeconds: (features) => features.pattern_learning.interval,
  },
  step(9, 'statistics', 'Planner statistics', 'statistics_refresh', 'statistics_refresh', ['stale_statistics']),
  step(10, 'redundant-indexes', 'Redundant indexes', 'redundant_index_detection', 'redundant_indexes_found', [
    'duplicate_index',
    'redundant_index',
  ]),
  step(11, 'workload', 'Workload', 'workload_analysis', 'workload_analysis', ['workload']),
  step(12, 'foreign-keys', 'Foreign keys without indexes', 'foreign_key_suggestions', 'foreign_key_suggestions', [
    'missing_fk_index',
  ]),
  step(
    13,
    'concurrent-builds',
    'Concurrent index builds',
    'concurrent_index_monitoring',
    'concurrent_index_monitoring',
    ['hanging_index_build'],
  ),
  step(14, 'materialized-views', 'Materialised views', 'materialized_view_support', 'materialized_views', [
    'matview_index',
  ]),
  step(15, 'safeguards', 'Safeguards', 'safeguard_metrics', 'safeguard_metrics', []),
  {
    number: 16,
    key: '16-predictive-maintenance',
    title: 'Forecasts',
    document: 'predictive_maintenance',
    checks: [],
    enabled: (features) => features.predictive_maintenance.enabled,
    intervalSeconds: (features) => features.predictive_maintenance.interval,
  },
  {
    number: 17,
    key: '17-ml-training',
    title: 'Query classifier',
    document: 'ml_training',
    checks: [],
    enabled: (features) => features.ml_interception.training_enabled,
    intervalSeconds: (features) => features.ml_interception.training_interval,
  },
];

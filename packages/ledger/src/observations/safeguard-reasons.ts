/** Reasons and codes by which steps, tasks and jobs tell that a safeguard stepped in; what writes them is named beside. */
export const safeguardReasons = {
  /** Plans, of objects left out: `over_max_indexes`, `over_max_tables`, `over_max_measured_mb` and whatever else limits one run. */
  rateLimited: '^over_',
  /** Steps and plans, of objects locked by others: `locked`, `blocked`; tasks that did not get their target: `target_leased`, `target_locked`, `target_busy`. */
  notLocked: ['locked', 'blocked', 'target_leased', 'target_locked', 'target_busy'],
  /** Error code of steps and tasks. */
  lockTimeout: 'lock_timeout',
  /** Jobs and tasks. */
  outsideWindow: ['outside_window', 'window_closed'],
  /** Tasks and steps put off for the target's sake. */
  underLoad: 'load',
} as const;

/** Task types whose steps may rebuild, create or drop indexes. */
export const indexTaskTypes = [
  'INDEX_REBUILD',
  'INDEX_OPTIMIZE',
  'INDEX_CREATE',
  'LEFTOVER_CLEANUP',
  'BLOOM_FILTER_REBUILD',
  'FINDING_ACTION',
  'ROLLBACK',
] as const;

/** Task types that only look: they need no window. */
export const observingTaskTypes: readonly string[] = [
  'METRICS_COLLECTION',
  'DATABASE_CHECK',
  'POSTGRES_CARE',
  'INDEX_CONSISTENCY_CHECK',
  'WAL_ARCHIVING',
  'REPLICA_VALIDATION',
  'BACKUP_VERIFICATION',
  'SECURITY_SCAN',
  'DEAD_LETTER_DRAIN',
  'AUDIT_LOG_FLUSH',
  'INDEX_WATCH',
  'QUERY_ASSESSMENT',
];

/** Keeps job history in day partitions. */
export interface History {
  /** Makes the partitions of today and the days ahead. Safe to call at any time, by any number of processes. */
  ensurePartitions(daysAhead: number): Promise<void>;
  /** Rolls days past the retention up into daily figures, then drops their partitions; a day with a job that is not over stays. */
  prune(retentionHours: number): Promise<{ readonly droppedDays: readonly string[] }>;
}

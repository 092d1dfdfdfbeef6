import type { StatisticsFacts, TableStatistics } from './facts.ts';
import type { StatisticsUpdateConfig } from './schema.ts';

/** Why the statistics of a table are due. */
export type DueReason = 'never_analyzed' | 'changed' | 'stale';

export interface Due {
  readonly reason: DueReason;
  readonly modifiedRows: number;
  readonly limitRows: number;
}

type Rules = Pick<StatisticsFacts, 'threshold' | 'scaleFactor'> &
  Pick<StatisticsUpdateConfig, 'modified_percent' | 'modified_rows' | 'stale_threshold_hours' | 'min_table_size_mb'>;

/** Rows that may change before the statistics are due: autovacuum's own rule, threshold + scale factor × rows. */
export function limitRows(table: TableStatistics, rows: number, rules: Rules): number {
  const threshold = rules.modified_rows ?? table.threshold ?? rules.threshold;
  const scale =
    rules.modified_percent === null ? (table.scaleFactor ?? rules.scaleFactor) : rules.modified_percent / 100;
  return threshold + scale * Math.max(rows, 0);
}

/** Whether a table with rows of its own is due; `undefined` = no. Never analysed counts only once it has rows. */
export function dueTable(table: TableStatistics, rules: Rules): Due | undefined {
  const { modifiedRows, hoursSinceAnalyze } = table;
  if (isTooSmall(table.sizeBytes, rules)) return undefined;
  return decide(
    { never: hoursSinceAnalyze === null && table.liveRows > 0, modifiedRows, hoursSinceAnalyze },
    limitRows(table, table.reltuples, rules),
    rules,
  );
}

/**
 * Whether a partitioned table is due: autovacuum never analyses one. It was never analysed when its reltuples is -1, which
 * every role may see and which agrees with the absence of inherited rows in pg_statistic. Its changes are known only from
 * below, as each ANALYZE of a leaf forgets them: what the leaves count now plus the limit of each leaf that was analysed
 * for its changes since, or the difference in rows, whichever is more.
 */
export function duePartitioned(
  parent: TableStatistics,
  leaves: readonly TableStatistics[],
  rules: Rules,
): Due | undefined {
  const rows = sum(leaves, (leaf) => Math.max(leaf.liveRows, leaf.reltuples, 0));
  if (
    isTooSmall(
      sum(leaves, (leaf) => leaf.sizeBytes ?? 0),
      rules,
    )
  )
    return undefined;
  const counted = sum(
    leaves,
    (leaf) => leaf.modifiedRows + (analyzedSince(leaf, parent) ? limitRows(leaf, leaf.reltuples, rules) : 0),
  );
  const difference = parent.reltuples < 0 ? 0 : Math.abs(rows - parent.reltuples);
  return decide(
    {
      never: parent.reltuples <= 0 && rows > 0,
      modifiedRows: Math.max(counted, difference),
      hoursSinceAnalyze: parent.hoursSinceAnalyze,
    },
    limitRows(parent, rows, rules),
    rules,
  );
}

function decide(
  {
    never,
    modifiedRows,
    hoursSinceAnalyze,
  }: { never: boolean; modifiedRows: number; hoursSinceAnalyze: number | null },
  limit: number,
  rules: Rules,
): Due | undefined {
  const due = (reason: DueReason): Due => ({ reason, modifiedRows, limitRows: limit });
  if (never) return due('never_analyzed');
  if (modifiedRows > limit) return due('changed');
  const tooOld = rules.stale_threshold_hours !== null && (hoursSinceAnalyze ?? 0) >= rules.stale_threshold_hours;
  return tooOld && modifiedRows > 0 ? due('stale') : undefined;
}

/** Longer than an ANALYZE of the parent takes, which goes on to the leaves and so leaves them a later time than the parent. */
const longestAnalyzeHours = 24;

/** Whether a leaf's changes since the parent's ANALYZE made somebody analyse it: autovacuum, or a run of its own later on. */
function analyzedSince(leaf: TableStatistics, parent: TableStatistics): boolean {
  if (parent.hoursSinceAnalyze === null) return false;
  const laterBy = (hours: number | null): number => (hours === null ? 0 : (parent.hoursSinceAnalyze ?? 0) - hours);
  return laterBy(leaf.hoursSinceAutoanalyze) > 0 || laterBy(leaf.hoursSinceAnalyze) > longestAnalyzeHours;
}

/** A size that is unknown is not too small. */
function isTooSmall(sizeBytes: number | null, rules: Rules): boolean {
  return sizeBytes !== null && sizeBytes < rules.min_table_size_mb * 1024 * 1024;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

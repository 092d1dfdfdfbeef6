import type { StatisticsFacts, TableFacts } from './read.ts';
import type { StaleStatisticsConfig } from './schema.ts';

export interface Due {
  /** `never_analyzed` = the planner has nothing; `changed` = autovacuum's own rule; `stale` = old, and at least one row changed since. */
  readonly reason: 'never_analyzed' | 'changed' | 'stale';
  readonly rows: number;
  readonly modifiedRows: number;
  readonly limitRows: number;
  readonly sizeBytes: number;
  /** It has partitions or inheritance children. */
  readonly isParent: boolean;
}

export type Judgement =
  | { readonly kind: 'due'; readonly due: Due }
  | { readonly kind: 'fresh' }
  | { readonly kind: 'left_out'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly grant: string | null };

type Rules = Pick<StatisticsFacts, 'threshold' | 'scaleFactor' | 'inRecovery'> &
  Pick<StaleStatisticsConfig, 'stale_threshold_hours' | 'min_table_size_mb'>;

/** A table without children, and a materialised view. */
export function judgeTable(table: TableFacts, rules: Rules): Judgement {
  if (table.locked) return { kind: 'unknown', reason: 'locked', grant: null };
  return decide(
    table,
    {
      rows: rowsOf(table),
      modifiedRows: table.modifiedRows,
      limitRows: limitOf(table, table.reltuples, rules),
      sizeBytes: table.sizeBytes ?? 0,
      isParent: false,
      holdsRows: holdsRows(table),
      never: wasNeverAnalyzed(table),
    },
    rules,
  );
}

/**
 * A partitioned table, or the parent of inheritance children: autovacuum never looks at the changes below it. `below` are the leaves or
 * children; the parent's own rows, which only a parent of the second kind has, count as well. Changes are known only from below, as every
 * ANALYZE of a leaf forgets them: what the leaves count now, plus the limit of each leaf that was analysed for its changes since; or the
 * difference in rows, whichever is more.
 */
export function judgeParent(parent: TableFacts, below: readonly TableFacts[], rules: Rules): Judgement {
  const all = parent.relkind === 'p' ? below : [parent, ...below];
  if (all.some(({ locked }) => locked)) return { kind: 'unknown', reason: 'locked', grant: null };
  const rows = sum(all, rowsOf);
  const counted = sum(
    all,
    (table) => table.modifiedRows + (wasAnalyzedSince(table, parent) ? limitOf(table, table.reltuples, rules) : 0),
  );
  // The reltuples of an inheritance parent are of its own rows alone.
  const difference = parent.relkind === 'p' && parent.reltuples >= 0 ? Math.abs(rows - parent.reltuples) : 0;
  return decide(
    parent,
    {
      rows,
      modifiedRows: Math.max(counted, difference),
      limitRows: limitOf(parent, rows, rules),
      sizeBytes: sum(all, ({ sizeBytes }) => sizeBytes ?? 0),
      isParent: true,
      holdsRows: all.some(holdsRows),
      // ANALYZE sets the reltuples of a partitioned table, and nothing else does: everybody may see that.
      never: parent.relkind === 'p' ? parent.reltuples <= 0 : wasNeverAnalyzed(parent),
    },
    rules,
  );
}

interface Measured extends Omit<Due, 'reason'> {
  readonly holdsRows: boolean;
  /** Undefined = cannot be told. */
  readonly never: boolean | undefined;
}

function decide(table: TableFacts, measured: Measured, rules: Rules): Judgement {
  const { never, holdsRows, ...figures } = measured;
  const { modifiedRows, limitRows, sizeBytes } = figures;
  if (!holdsRows) return { kind: 'left_out', reason: 'empty' };
  if (sizeBytes < rules.min_table_size_mb * 1024 * 1024) {
    return { kind: 'left_out', reason: `smaller than ${rules.min_table_size_mb} MiB (min_table_size_mb)` };
  }
  const due = (reason: Due['reason']): Judgement => ({ kind: 'due', due: { reason, ...figures } });
  if (never === true) return due('never_analyzed');
  if (modifiedRows > limitRows) return due('changed');
  if (never === undefined) {
    return { kind: 'unknown', reason: 'whether it has statistics is hidden from our role', grant: table.grant };
  }
  if (table.hoursSinceAnalyze === null) {
    const reason = rules.inRecovery
      ? 'a standby counts no changes: look at the primary'
      : 'its counters were lost (crash, reset or copy) since its latest ANALYZE';
    return { kind: 'unknown', reason, grant: null };
  }
  return table.hoursSinceAnalyze >= rules.stale_threshold_hours && modifiedRows > 0 ? due('stale') : { kind: 'fresh' };
}

/** Rows that may change before autovacuum would analyse: threshold + scale factor × rows; unknown rows count as none. */
function limitOf(table: TableFacts, rows: number, rules: Rules): number {
  return (table.threshold ?? rules.threshold) + (table.scaleFactor ?? rules.scaleFactor) * Math.max(rows, 0);
}

function rowsOf({ liveRows, reltuples }: TableFacts): number {
  return Math.max(liveRows, reltuples, 0);
}

/** Pages without any counter: the counters were lost, and nobody has looked at the rows yet. */
function holdsRows(table: TableFacts): boolean {
  return rowsOf(table) > 0 || (table.reltuples < 0 && table.insertedRows === 0 && (table.sizeBytes ?? 0) > 0);
}

/** Counters that were lost know of no ANALYZE, though statistics may be there; only pg_stats tells, or reltuples where they are hidden. */
function wasNeverAnalyzed({ hoursSinceAnalyze, statistics, reltuples }: TableFacts): boolean | undefined {
  if (hoursSinceAnalyze !== null || statistics === 'present') return false;
  if (statistics === 'absent' || reltuples < 0) return true;
  // VACUUM and CREATE INDEX set reltuples as well.
  return undefined;
}

/** Longer than an ANALYZE of the parent takes, which goes on to the leaves and so leaves them a later time than the parent. */
const longestAnalyzeHours = 24;

/** Whether a leaf's changes since the parent's ANALYZE made somebody analyse it: autovacuum, or a run of its own later on. */
function wasAnalyzedSince(leaf: TableFacts, parent: TableFacts): boolean {
  const { hoursSinceAnalyze } = parent;
  if (hoursSinceAnalyze === null || leaf === parent) return false;
  const laterBy = (hours: number | null): number => (hours === null ? 0 : hoursSinceAnalyze - hours);
  return laterBy(leaf.hoursSinceAutoanalyze) > 0 || laterBy(leaf.hoursSinceAnalyze) > longestAnalyzeHours;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

import type { TableCounters } from './read.ts';
import type { WorkloadConfig } from './schema.ts';

export type WorkloadType = 'read-heavy' | 'write-heavy' | 'mixed';

/** Rows that were read and written of tables. */
export interface RowCounts {
  readonly rows_read: number;
  readonly rows_written: number;
  readonly rows_inserted: number;
  readonly rows_updated: number;
  readonly rows_deleted: number;
  /** Share of the updates that touched no index; null = there were none. */
  readonly hot_ratio: number | null;
}

/** What a load is, of a database or of one of its tables: one rule for both. Shares are from 0 to 1. */
export type Classified =
  | {
      readonly kind: 'classified';
      readonly workloadType: WorkloadType;
      readonly readRatio: number;
      readonly writeRatio: number;
    }
  | { readonly kind: 'not_enough_data'; readonly reason: string };

export function countRows(tables: Iterable<TableCounters>): RowCounts {
  let [inserted, updated, deleted, hotUpdated, read] = [0, 0, 0, 0, 0];
  for (const table of tables) {
    inserted += table.inserted;
    updated += table.updated;
    deleted += table.deleted;
    hotUpdated += table.hotUpdated;
    // A row has to be read to be updated or deleted: that is part of the write.
    read += Math.max(0, table.reads - table.updated - table.deleted);
  }
  return {
    rows_read: read,
    rows_written: inserted + updated + deleted,
    rows_inserted: inserted,
    rows_updated: updated,
    rows_deleted: deleted,
    hot_ratio: updated === 0 ? null : thousandths(hotUpdated / updated),
  };
}

/** By the share of rows read among all that were read and written since then. */
export function classify(
  { rows_read, rows_written }: Pick<RowCounts, 'rows_read' | 'rows_written'>,
  since: Date,
  { min_rows, heavy_ratio }: Pick<WorkloadConfig, 'min_rows' | 'heavy_ratio'>,
): Classified {
  const total = rows_read + rows_written;
  if (total < min_rows) {
    const reason = `only ${total} rows read and written since ${since.toISOString()}; ${min_rows} are needed`;
    return { kind: 'not_enough_data', reason };
  }
  const readRatio = thousandths(rows_read / total);
  const writeRatio = thousandths(1 - readRatio);
  const workloadType = readRatio >= heavy_ratio ? 'read-heavy' : 1 - readRatio >= heavy_ratio ? 'write-heavy' : 'mixed';
  return { kind: 'classified', workloadType, readRatio, writeRatio };
}

function thousandths(ratio: number): number {
  return Math.round(1000 * ratio) / 1000;
}

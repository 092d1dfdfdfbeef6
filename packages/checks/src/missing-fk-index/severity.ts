import type { Severity } from '@slacktide/domain';
import type { Cover } from './cover.ts';
import type { MeasuredKey } from './measure.ts';
import type { MissingFkIndexConfig } from './schema.ts';

/** ON DELETE, ON UPDATE: c cascade, n set null, d set default. Each looks for the rows that it changes. */
const changesRows = ['c', 'n', 'd'];

/** Each read the whole of a large table; one or two in years would be no harm done now. */
const manyDeletes = 100;

/** An index that finds more than this share of a table for one value is seldom used. */
const selectiveShare = 0.1;

/** From what the missing index costs: rows looked for in vain are the price of deletes, and of changed keys, in the referenced table. */
export function severityOf(key: MeasuredKey, cover: Cover, config: MissingFkIndexConfig): Severity {
  if (cover.kind === 'partial' || !key.enforced) return 'info';
  const large = (key.rows ?? 0) >= config.large_rows;
  if (key.referencedDeletes > 0) return large && key.referencedDeletes >= manyDeletes ? 'critical' : 'warning';
  if (large && isSelective(key)) return 'warning';
  const cascades =
    changesRows.includes(key.onDelete) || (changesRows.includes(key.onUpdate) && key.referencedUpdates > 0);
  return cascades && isSelective(key) ? 'warning' : 'info';
}

/** Rows a referenced row has, on average; null = not known. */
export function rowsPerReferenced({ rows, referencedRows }: MeasuredKey): number | null {
  return rows === null || referencedRows === null || referencedRows < 1 ? null : rows / referencedRows;
}

function isSelective(key: MeasuredKey): boolean {
  const each = rowsPerReferenced(key);
  return each === null || key.rows === null || each <= key.rows * selectiveShare;
}

import type { Page, PageOf } from '@slacktide/application/ports';
import type { Fragment } from 'postgres';
import { encodeCursor, type Position } from './cursor.ts';
import type { LedgerSql } from './sql.ts';

/**
 * For LIMIT: one row more than the page holds, which tells whether there is a next page. It stands in the text: of a parameter the planner
 * expects a tenth of all rows, and then reads and sorts them. @throws RangeError for a limit outside 1 to 200.
 */
export function rowsToRead(sql: LedgerSql, { limit }: Page): Fragment {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 200)) {
    throw new RangeError(`expected a limit from 1 to 200, got ${limit}`);
  }
  return sql.unsafe(String(limit + 1));
}

/** The page of what `rowsToRead` rows gave. */
export function pageOf<T>(items: readonly T[], { limit }: Page, position: (item: T) => Position): PageOf<T> {
  const last = items[limit - 1];
  const more = items.length > limit && last !== undefined;
  return { items: items.slice(0, limit), nextCursor: more ? encodeCursor(position(last)) : null };
}

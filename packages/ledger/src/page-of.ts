import type { Page, PageOf } from '@slacktide/application/ports';
import { encodeCursor, type Position } from './cursor.ts';

/** One row more than the page holds: whether there is a next page. @throws RangeError for a limit outside 1 to 200. */
export function rowsToRead({ limit }: Page): number {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= 200)) {
    throw new RangeError(`expected a limit from 1 to 200, got ${limit}`);
  }
  return limit + 1;
}

/** The page of what `rowsToRead` rows gave. */
export function pageOf<T>(items: readonly T[], { limit }: Page, position: (item: T) => Position): PageOf<T> {
  const last = items[limit - 1];
  const more = items.length > limit && last !== undefined;
  return { items: items.slice(0, limit), nextCursor: more ? encodeCursor(position(last)) : null };
}

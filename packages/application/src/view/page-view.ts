import type { PageOf } from '../ports/index.ts';

/** A page as the API shows it. */
export function pageView<T, View>(
  page: PageOf<T>,
  view: (item: T) => View,
): { items: View[]; next_cursor: string | null } {
  return { items: page.items.map(view), next_cursor: page.nextCursor };
}

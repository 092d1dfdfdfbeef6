/** A keyset page: newest first, `limit` 1 to 200. */
export interface Page {
  readonly limit: number;
  /** Position after which the page begins, as the last page's `nextCursor` gave it. */
  readonly cursor?: string | undefined;
}
export interface PageOf<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

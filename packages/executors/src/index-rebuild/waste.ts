/** What pgstatindex says of a btree. */
export interface BtreeFigures {
  readonly indexBytes: number;
  readonly internalPages: number;
  readonly leafPages: number;
  /** Percent of the leaf pages in use; null when there is no leaf page. */
  readonly leafDensity: number | null;
}

export interface Waste {
  /** 0 to 100. */
  readonly percent: number;
  readonly bytes: number;
}

/**
 * The part of an index that a rebuild would give back: 1 − leaf_pages · density / fillfactor ÷ (pages − meta − internal).
 * Counts deleted and empty pages too, which the density alone hides (density 89 with 89 % of the file dead).
 */
export function wasteOf(figures: BtreeFigures, fillfactor: number, blockBytes: number): Waste {
  const { indexBytes, internalPages, leafPages, leafDensity } = figures;
  const metaPages = 1;
  const dataPages = Math.round(indexBytes / blockBytes) - metaPages - internalPages;
  if (dataPages <= 0) return { percent: 0, bytes: 0 };
  const neededPages = (leafPages * (leafDensity ?? 0)) / fillfactor;
  // Denser than its fillfactor, or one page for next to nothing: no rebuild makes it smaller.
  const wastedPages = Math.max(0, dataPages - Math.max(1, neededPages));
  return { percent: Math.round((1000 * wastedPages) / dataPages) / 10, bytes: Math.round(wastedPages * blockBytes) };
}

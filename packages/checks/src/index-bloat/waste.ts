/** What pgstatindex says of a btree, and what its pages are filled to on purpose. */
export interface BtreeFigures {
  readonly method: 'btree';
  readonly sizeBytes: number;
  readonly treeLevel: number;
  readonly internalPages: number;
  readonly leafPages: number;
  /** Half-dead: empty, not yet unlinked. */
  readonly emptyPages: number;
  readonly deletedPages: number;
  /** Percent of the leaf pages in use; null when there is no leaf page. */
  readonly leafDensity: number | null;
  /** Percent. */
  readonly fillfactor: number;
  readonly blockBytes: number;
}

/** What pgstathashindex says. */
export interface HashFigures {
  readonly method: 'hash';
  readonly sizeBytes: number;
  readonly bucketPages: number;
  readonly overflowPages: number;
  readonly unusedPages: number;
  /** Percent of all pages but those of the meta data. */
  readonly freePercent: number;
  /** Percent. */
  readonly fillfactor: number;
}

/** What pgstatginindex says. */
export interface GinFigures {
  readonly method: 'gin';
  readonly sizeBytes: number;
  readonly pendingPages: number;
  readonly pendingTuples: number;
  readonly blockBytes: number;
}

export type IndexFigures = BtreeFigures | HashFigures | GinFigures;

export interface Waste {
  /** Of the file, 0 to 100. */
  readonly percent: number;
  readonly bytes: number;
  /** Percent of the file in pages that hold nothing at all: part of `percent`. */
  readonly vacantPercent: number;
}

/**
 * The share of the file that a rebuild gives back: 1 − leaf pages × density ÷ fillfactor ÷ (pages − meta − internal). Counts deleted and
 * empty pages, which the density alone hides.
 */
export function btreeWaste(figures: BtreeFigures): Waste {
  const { sizeBytes, blockBytes, internalPages, leafPages, leafDensity, fillfactor } = figures;
  const metaPages = 1;
  const dataPages = Math.round(sizeBytes / blockBytes) - metaPages - internalPages;
  if (dataPages <= 0) return { percent: 0, bytes: 0, vacantPercent: 0 };
  // One page even for nothing.
  const neededPages = Math.max(1, (leafPages * (leafDensity ?? 0)) / fillfactor);
  const wastedPages = Math.max(0, dataPages - neededPages);
  return {
    percent: rounded((100 * wastedPages) / dataPages),
    bytes: Math.round(wastedPages * blockBytes),
    vacantPercent: rounded((100 * (figures.deletedPages + figures.emptyPages)) / dataPages),
  };
}

/**
 * At least this share of the file is given back. A fresh hash index has a power of two of buckets, or a quarter on the way to it: it is filled
 * to half of its fillfactor at the worst.
 */
export function hashWaste({ sizeBytes, freePercent, fillfactor, ...pages }: HashFigures): Waste {
  const share = Math.max(0, 1 - (100 - freePercent) / (fillfactor / 2));
  const all = pages.bucketPages + pages.overflowPages + pages.unusedPages;
  return {
    percent: rounded(100 * share),
    bytes: Math.round(share * sizeBytes),
    vacantPercent: all === 0 ? 0 : rounded((100 * pages.unusedPages) / all),
  };
}

function rounded(percent: number): number {
  return Math.round(percent * 10) / 10;
}

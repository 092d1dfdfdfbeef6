/** What pgstattuple_approx or pgstattuple says of a heap, and what its pages are filled to on purpose. */
export interface HeapFigures {
  readonly sizeBytes: number;
  /** Percent of the pages that were read; the free space map answered for the others. */
  readonly scannedPercent: number;
  readonly liveRows: number;
  readonly liveBytes: number;
  readonly deadRows: number;
  /** Percent of the file. */
  readonly deadPercent: number;
  /** Percent of the file. */
  readonly freePercent: number;
  /** Percent. */
  readonly fillfactor: number;
  readonly blockBytes: number;
  /** Rows of open transactions may be among the dead ones. */
  readonly openRowsCountAsDead: boolean;
}

export interface Waste {
  /** Of the file, 0 to 100. */
  readonly percent: number;
  readonly bytes: number;
  /** Free space beyond what the fillfactor leaves, in percent of the file. */
  readonly excessFreePercent: number;
  readonly mainly: 'dead_rows' | 'free_space';
}

const pageHeaderBytes = 24;
const linePointerBytes = 4;
/** The free space map counts in steps of 1/256 page. */
const freeSpaceStepBytes = 32;

/**
 * Dead rows and free space beyond what the fillfactor leaves free, but never more than the pages which the live rows could do without: rows
 * larger than half a page leave the rest of it free for ever.
 */
export function wasteOf(figures: HeapFigures): Waste {
  const { sizeBytes, deadPercent, freePercent, fillfactor, blockBytes } = figures;
  const pages = Math.round(sizeBytes / blockBytes);
  const excessFreePercent = Math.max(0, freePercent - (100 - fillfactor));
  const sparePercent = pages === 0 ? 0 : 100 * (1 - neededPages(figures, pages) / pages);
  const percent = Math.max(0, Math.min(100, deadPercent + freePercent - (100 - fillfactor), sparePercent));
  return {
    percent: rounded(percent),
    bytes: Math.round((percent / 100) * sizeBytes),
    excessFreePercent: rounded(excessFreePercent),
    mainly: deadPercent >= excessFreePercent ? 'dead_rows' : 'free_space',
  };
}

/** How many pages the live rows would fill. */
function neededPages(figures: HeapFigures, pages: number): number {
  const { liveRows, liveBytes, scannedPercent, fillfactor, blockBytes } = figures;
  if (liveRows <= 0) return 0;
  const unreadShare = 1 - scannedPercent / 100;
  // Of pages that were not read all that is not free counts as rows: headers and line pointers too.
  const rowBytes =
    Math.max(1, (liveBytes - unreadShare * pages * (pageHeaderBytes + freeSpaceStepBytes)) / liveRows) +
    linePointerBytes * (1 - unreadShare);
  const rowsPerPage = Math.max(1, Math.floor(((blockBytes - pageHeaderBytes) * fillfactor) / 100 / rowBytes));
  return Math.min(pages, Math.ceil(liveRows / rowsPerPage));
}

function rounded(percent: number): number {
  return Math.round(percent * 10) / 10;
}

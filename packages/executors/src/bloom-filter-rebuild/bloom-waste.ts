import type { LossyIndex } from './lossy-indexes.ts';

/** Bits, unless the index says `length`: contrib/bloom, DEFAULT_BLOOM_LENGTH. */
const defaultLengthBits = 80;
const signatureWordBits = 16;
const rowPointerBytes = 6;
/** Page header and the index's own data on every page: BloomPageGetFreeSpace(). */
const pageOverheadBytes = 24 + 8;
const metaPages = 1;

export interface BloomWaste {
  /** Of the file, beyond what its rows need. */
  readonly percent: number;
  readonly bytes: number;
  readonly bytesPerRow: number;
}

/**
 * A bloom index has an entry of the same size for every row, whatever is in it, so that what its rows need is known to the page. Null = how many rows
 * it has was never counted, or it is locked now.
 */
export function bloomWaste({
  sizeBytes,
  rows,
  blockBytes,
  options,
}: Pick<LossyIndex, 'sizeBytes' | 'rows' | 'blockBytes' | 'options'>): BloomWaste | null {
  if (sizeBytes === null || rows < 0) return null;
  const entryBytes =
    rowPointerBytes + 2 * Math.ceil(Number(options?.['length'] ?? defaultLengthBits) / signatureWordBits);
  const rowsPerPage = Math.floor((blockBytes - pageOverheadBytes) / entryBytes);
  const pages = Math.round(sizeBytes / blockBytes);
  const spare = Math.max(0, pages - metaPages - Math.max(1, Math.ceil(rows / rowsPerPage)));
  return {
    percent: pages === 0 ? 0 : Math.round((1000 * spare) / pages) / 10,
    bytes: spare * blockBytes,
    bytesPerRow: sizeBytes / Math.max(1, rows),
  };
}

import type { IndexRow } from './read.ts';
import type { Remembered } from './remembered.ts';

/**
 * Bytes of the index that are likely to be waste; 0 = fewer than the threshold. Decides nothing but the order of measuring: by what an entry
 * took when the index was last measured, else all of it: the columns' statistics know nothing of duplicates, of shortened and of computed keys.
 */
export function suspicionOf(
  { sizeBytes, filenode, estimatedTuples }: IndexRow,
  known: Remembered | undefined,
  thresholdPercent: number,
): number {
  if (sizeBytes === null) return 0;
  const fresh = known?.freshBytesPerTuple ?? null;
  const waste = known?.filenode === filenode ? (known?.waste ?? null) : null;
  const neededBytes = (): number => {
    if (fresh !== null && estimatedTuples >= 0) return fresh * estimatedTuples;
    return waste === null ? 0 : sizeBytes * (1 - waste / 100);
  };
  const wastedBytes = sizeBytes - neededBytes();
  return wastedBytes * 100 >= thresholdPercent * sizeBytes ? Math.round(wastedBytes) : 0;
}

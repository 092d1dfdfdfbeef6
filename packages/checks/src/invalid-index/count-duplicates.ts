import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { InvalidIndex } from '../catalogue/invalid-index-details.ts';

/** Each reads its table once. */
const mostCounted = 10;

/** Duplicate keys of unique indexes that may have failed for them, by OID; what is too large, or not to be read, is left out. */
export async function countDuplicates(
  reader: TargetReader,
  indexes: readonly InvalidIndex[],
  upToBytes: number,
): Promise<Map<number, number>> {
  const counted = new Map<number, number>();
  const cheap = indexes.filter(
    (index) =>
      index.duplicatesCountable &&
      index.live &&
      index.constraint === null &&
      index.workingCopyOf === null &&
      index.tableSizeBytes <= upToBytes,
  );
  for (const { oid, duplicatesSql } of cheap.slice(0, mostCounted)) {
    if (duplicatesSql === null) continue;
    try {
      const [row] = await reader.query<{ duplicate_keys: string }>(duplicatesSql);
      if (row !== undefined) counted.set(oid, Number(row.duplicate_keys));
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }
  return counted;
}

/** Locked, slow, or gone by now: the query stays for a person to run. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof TargetError &&
    (error.code === 'lock_timeout' || error.code === 'statement_timeout' || error.code === 'statement_failed')
  );
}

import type { CheckSnapshot } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';

/** What an earlier run knew of an index. */
export interface Remembered {
  /** Another one means that the index was rebuilt since. */
  readonly filenode: number;
  /** When it was last read, or the attempt failed; seconds since the epoch. */
  readonly readAt: number;
  /** Null when it could not be measured. */
  readonly waste: number | null;
  readonly vacant: number;
  /** What an entry takes in a fresh index; null when unknown. Outlives rebuilds. */
  readonly freshBytesPerTuple: number | null;
}

/** Short on purpose: there may be thousands. */
const entry = z.tuple([z.number(), z.number(), z.number().nullable(), z.number(), z.number().nullable()]);
const snapshot = z.object({ indexes: z.record(z.string(), entry) });

/** By the quoted name: REINDEX CONCURRENTLY gives an index a new OID, but not a new name. */
export function readMemory(latest: CheckSnapshot | undefined): ReadonlyMap<string, Remembered> {
  const parsed = snapshot.safeParse(latest?.values);
  if (!parsed.success) return new Map();
  return new Map(
    Object.entries(parsed.data.indexes).map(([key, [filenode, readAt, waste, vacant, freshBytesPerTuple]]) => [
      key,
      { filenode, readAt, waste, vacant, freshBytesPerTuple },
    ]),
  );
}

export function writeMemory(memory: ReadonlyMap<string, Remembered>): JsonObject {
  return {
    indexes: Object.fromEntries(
      [...memory].map(([key, { filenode, readAt, waste, vacant, freshBytesPerTuple }]) => [
        key,
        [filenode, readAt, waste, vacant, freshBytesPerTuple],
      ]),
    ),
  };
}

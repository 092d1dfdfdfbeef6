import type { CheckSnapshot } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';

/** What an earlier run knew of a table. */
export interface Remembered {
  /** Another one means that the table was rewritten since. */
  readonly filenode: number;
  /** When it was last read, or the attempt failed; seconds since the epoch. */
  readonly readAt: number;
  /** Null when it could not be measured. */
  readonly waste: number | null;
}

/** Short on purpose: there may be thousands. */
const snapshot = z.object({ tables: z.record(z.string(), z.tuple([z.number(), z.number(), z.number().nullable()])) });

/** By the key of the table. */
export function readMemory(latest: CheckSnapshot | undefined): ReadonlyMap<string, Remembered> {
  const parsed = snapshot.safeParse(latest?.values);
  if (!parsed.success) return new Map();
  return new Map(
    Object.entries(parsed.data.tables).map(([key, [filenode, readAt, waste]]) => [key, { filenode, readAt, waste }]),
  );
}

export function writeMemory(memory: ReadonlyMap<string, Remembered>): JsonObject {
  return {
    tables: Object.fromEntries(
      [...memory].map(([key, { filenode, readAt, waste }]) => [key, [filenode, readAt, waste]]),
    ),
  };
}

import type { CheckSnapshot } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';

const checksums = z.object({
  /** As it stood at the last look. */
  counter: z.number(),
  /** Of all looks, resets or not. */
  total: z.number(),
  /** Seconds since the epoch. */
  lastFailureAt: z.number().nullable(),
});
export type ChecksumMemory = z.infer<typeof checksums>;

const memory = z.object({
  /** OID of the relation that was verified last; null = all were, the next run begins with the first. */
  cursor: z.number().nullable(),
  /** The same of INDEX_CONSISTENCY_CHECK, which goes round on its own. */
  consistency: z.number().nullable().optional(),
  /** Relations found corrupt, by their quoted name, and what was switched on to find it: only as much tells that they are sound again. */
  corrupt: z.record(z.string(), z.array(z.string())).optional(),
  database: checksums.optional(),
  shared: checksums.optional(),
});
/** What a run leaves for the next one. */
export type IntegrityMemory = z.infer<typeof memory>;

export function readMemory(latest: CheckSnapshot | undefined): IntegrityMemory {
  const parsed = memory.safeParse(latest?.values);
  return parsed.success ? parsed.data : { cursor: null };
}

export function writeMemory({ cursor, consistency, corrupt = {}, database, shared }: IntegrityMemory): JsonObject {
  return {
    cursor,
    ...(consistency === undefined ? {} : { consistency }),
    ...(Object.keys(corrupt).length === 0 ? {} : { corrupt }),
    ...(database === undefined ? {} : { database }),
    ...(shared === undefined ? {} : { shared }),
  };
}

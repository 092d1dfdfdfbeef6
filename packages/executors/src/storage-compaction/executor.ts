import type { Executor } from '@slacktide/application/ports';
import { compactTable } from './compact-table.ts';
import { type CompactionFacts, readCompactionFacts } from './facts.ts';
import { planCompaction } from './plan.ts';
import { sweepRepack } from './repack-leftovers.ts';
import { type StorageCompactionConfig, taskType } from './schema.ts';

/** VACUUM, pg_repack or VACUUM FULL, verified by size, file and indexes. */
export const storageCompaction: Executor<StorageCompactionConfig, CompactionFacts> = {
  taskType,
  readFacts: readCompactionFacts,
  plan: planCompaction,
  runStep: compactTable,
  sweep: sweepRepack,
  summarise: (results) => ({
    bytes_freed: results.reduce(
      (sum, { outcome }) => sum + (outcome.kind === 'done' ? Number(outcome.result['bytes_freed'] ?? 0) : 0),
      0,
    ),
  }),
};

import { inspectConcurrent, sweepConcurrent } from '@slacktide/acting';
import type { Executor } from '@slacktide/application/ports';
import { type IndexRebuildFacts, readIndexRebuildFacts } from './facts.ts';
import { planRebuilds } from './plan.ts';
import { rebuildIndex } from './rebuild-index.ts';
import { type IndexRebuildConfig, taskType } from './schema.ts';

/** REINDEX INDEX CONCURRENTLY behind a start gate, verified, leaving nothing behind. */
export const indexRebuild: Executor<IndexRebuildConfig, IndexRebuildFacts> = {
  taskType,
  readFacts: readIndexRebuildFacts,
  plan: planRebuilds,
  runStep: rebuildIndex,
  inspect: inspectConcurrent,
  sweep: sweepConcurrent,
  summarise: (results) => ({
    bytes_freed: results.reduce(
      (sum, { outcome }) => sum + (outcome.kind === 'done' ? Number(outcome.result['bytes_freed']) : 0),
      0,
    ),
  }),
};

import type { Executor } from '@slacktide/application/ports';
import { readWatchFacts, type WatchFacts } from './facts.ts';
import { lookAtStatements } from './look.ts';
import { planLook } from './plan.ts';
import { type IndexWatchConfig, taskType } from './schema.ts';

/** One look at what the drop of an index led to. */
export const indexWatch: Executor<IndexWatchConfig, WatchFacts> = {
  taskType,
  startsOver: true,
  readFacts: readWatchFacts,
  plan: planLook,
  runStep: lookAtStatements,
};

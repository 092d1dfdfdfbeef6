import type { Executor } from '@slacktide/application/ports';
import { checkpoint } from './checkpoint/index.ts';
import { databaseCheck } from './database-check/index.ts';
import { findingAction } from './finding-action/index.ts';
import { indexRebuild } from './index-rebuild/index.ts';
import { metricsCollection } from './metrics-collection/index.ts';
import { mvccCleanup } from './mvcc-cleanup/index.ts';
import { postgresCare } from './postgres-care/index.ts';
import { statisticsUpdate } from './statistics-update/index.ts';

/** Every task type there is: adding one is a folder, a line here and one in schemas.ts. */
export const executors: readonly Executor[] = [
  indexRebuild,
  statisticsUpdate,
  mvccCleanup,
  checkpoint,
  metricsCollection,
  databaseCheck,
  postgresCare,
  findingAction,
];

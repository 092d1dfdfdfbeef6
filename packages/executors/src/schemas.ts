/** What the control plane may know of executors: names, access and configuration of every task type. Pulls in no driver. */
import type { TaskType } from '@slacktide/application/ports';
import { taskType as checkpoint } from './checkpoint/schema.ts';
import { taskType as databaseCheck } from './database-check/schema.ts';
import { taskType as findingAction } from './finding-action/schema.ts';
import { taskType as indexRebuild } from './index-rebuild/schema.ts';
import { taskType as metricsCollection } from './metrics-collection/schema.ts';
import { taskType as mvccCleanup } from './mvcc-cleanup/schema.ts';
import { taskType as postgresCare } from './postgres-care/schema.ts';
import { taskType as statisticsUpdate } from './statistics-update/schema.ts';

export const taskTypes: readonly TaskType[] = [
  indexRebuild,
  statisticsUpdate,
  mvccCleanup,
  checkpoint,
  metricsCollection,
  databaseCheck,
  postgresCare,
  findingAction,
];

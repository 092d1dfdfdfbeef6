/** What the control plane may know of executors: names, access and configuration of every task type. Pulls in no driver. */
import type { TaskType } from '@slacktide/application/ports';
import { taskType as auditLogFlush } from './audit-log-flush/schema.ts';
import { taskType as backupVerification } from './backup-verification/schema.ts';
import { taskType as bloomFilterRebuild } from './bloom-filter-rebuild/schema.ts';
import { taskType as cacheWarm } from './cache-warm/schema.ts';
import { taskType as checkpoint } from './checkpoint/schema.ts';
import { taskType as custom } from './custom/schema.ts';
import { taskType as databaseCheck } from './database-check/schema.ts';
import { taskType as deadLetterDrain } from './dead-letter-drain/schema.ts';
import { taskType as findingAction } from './finding-action/schema.ts';
import { taskType as indexConsistencyCheck } from './index-consistency-check/schema.ts';
import { taskType as indexCreate } from './index-create/schema.ts';
import { taskType as indexOptimize } from './index-optimize/schema.ts';
import { taskType as indexRebuild } from './index-rebuild/schema.ts';
import { taskType as indexWatch } from './index-watch/schema.ts';
import { taskType as leftoverCleanup } from './leftover-cleanup/schema.ts';
import { taskType as logRotation } from './log-rotation/schema.ts';
import { taskType as metricsCollection } from './metrics-collection/schema.ts';
import { taskType as mvccCleanup } from './mvcc-cleanup/schema.ts';
import { taskType as postgresCare } from './postgres-care/schema.ts';
import { taskType as queryAssessment } from './query-assessment/schema.ts';
import { taskType as replicaValidation } from './replica-validation/schema.ts';
import { taskType as retentionEnforcement } from './retention-enforcement/schema.ts';
import { taskType as rollback } from './rollback/schema.ts';
import { taskType as schemaValidation } from './schema-validation/schema.ts';
import { taskType as securityScan } from './security-scan/schema.ts';
import { taskType as sessionCleanup } from './session-cleanup/schema.ts';
import { taskType as statisticsUpdate } from './statistics-update/schema.ts';
import { taskType as storageCompaction } from './storage-compaction/schema.ts';
import { taskType as walArchiving } from './wal-archiving/schema.ts';
import { taskType as walArchivingProbe } from './wal-archiving-probe/schema.ts';

export const taskTypes: readonly TaskType[] = [
  indexRebuild,
  indexOptimize,
  indexCreate,
  indexConsistencyCheck,
  leftoverCleanup,
  bloomFilterRebuild,
  statisticsUpdate,
  mvccCleanup,
  storageCompaction,
  retentionEnforcement,
  cacheWarm,
  checkpoint,
  sessionCleanup,
  walArchiving,
  walArchivingProbe,
  replicaValidation,
  backupVerification,
  securityScan,
  schemaValidation,
  metricsCollection,
  logRotation,
  deadLetterDrain,
  auditLogFlush,
  custom,
  databaseCheck,
  postgresCare,
  findingAction,
  rollback,
  indexWatch,
  queryAssessment,
];

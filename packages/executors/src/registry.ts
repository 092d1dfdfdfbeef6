import type { Executor } from '@slacktide/application/ports';
import { auditLogFlush } from './audit-log-flush/index.ts';
import { backupVerification } from './backup-verification/index.ts';
import { bloomFilterRebuild } from './bloom-filter-rebuild/index.ts';
import { cacheWarm } from './cache-warm/index.ts';
import { checkpoint } from './checkpoint/index.ts';
import { custom } from './custom/index.ts';
import { databaseCheck } from './database-check/index.ts';
import { deadLetterDrain } from './dead-letter-drain/index.ts';
import { findingAction } from './finding-action/index.ts';
import { indexConsistencyCheck } from './index-consistency-check/index.ts';
import { indexCreate } from './index-create/index.ts';
import { indexOptimize } from './index-optimize/index.ts';
import { indexRebuild } from './index-rebuild/index.ts';
import { indexWatch } from './index-watch/index.ts';
import { leftoverCleanup } from './leftover-cleanup/index.ts';
import { logRotation } from './log-rotation/index.ts';
import { metricsCollection } from './metrics-collection/index.ts';
import { mvccCleanup } from './mvcc-cleanup/index.ts';
import { postgresCare } from './postgres-care/index.ts';
import { queryAssessment } from './query-assessment/index.ts';
import { replicaValidation } from './replica-validation/index.ts';
import { retentionEnforcement } from './retention-enforcement/index.ts';
import { rollback } from './rollback/index.ts';
import { schemaValidation } from './schema-validation/index.ts';
import { securityScan } from './security-scan/index.ts';
import { sessionCleanup } from './session-cleanup/index.ts';
import { statisticsUpdate } from './statistics-update/index.ts';
import { storageCompaction } from './storage-compaction/index.ts';
import { walArchiving } from './wal-archiving/index.ts';
import { walArchivingProbe } from './wal-archiving-probe/index.ts';

/** Every task type there is: adding one is a folder, a line here and one in schemas.ts. */
export const executors: readonly Executor[] = [
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

import { cacheHitRatio } from './cache-hit-ratio/index.ts';
import type { Check } from './check.ts';
import { checkpointPressure } from './checkpoint-pressure/index.ts';
import { diskSpace } from './disk-space/index.ts';
import { duplicateIndex } from './duplicate-index/index.ts';
import { hangingIndexBuild } from './hanging-index-build/index.ts';
import { indexBloat } from './index-bloat/index.ts';
import { integrity } from './integrity/index.ts';
import { invalidConstraint } from './invalid-constraint/index.ts';
import { invalidIndex } from './invalid-index/index.ts';
import { matviewIndex } from './matview-index/index.ts';
import { missingFkIndex } from './missing-fk-index/index.ts';
import { orphanedIndex } from './orphaned-index/index.ts';
import { redundantIndex } from './redundant-index/index.ts';
import { replication } from './replication/index.ts';
import { schemaDrift } from './schema-drift/index.ts';
import { security } from './security/index.ts';
import { slowQueryPattern } from './slow-query-pattern/index.ts';
import { staleAdvisoryLock } from './stale-advisory-lock/index.ts';
import { staleOperation } from './stale-operation/index.ts';
import { staleStatistics } from './stale-statistics/index.ts';
import { tableBloat } from './table-bloat/index.ts';
import { unusedIndex } from './unused-index/index.ts';
import { walArchiving } from './wal-archiving/index.ts';
import { workload } from './workload/index.ts';
import { wraparound } from './wraparound/index.ts';

/** Every check there is, in the order of `checkNames`: adding one is a folder, a line here and one in schemas.ts. */
export const checks: readonly Check[] = [
  integrity,
  invalidConstraint,
  invalidIndex,
  orphanedIndex,
  staleAdvisoryLock,
  staleOperation,
  unusedIndex,
  duplicateIndex,
  redundantIndex,
  indexBloat,
  tableBloat,
  missingFkIndex,
  hangingIndexBuild,
  matviewIndex,
  staleStatistics,
  wraparound,
  workload,
  slowQueryPattern,
  walArchiving,
  replication,
  security,
  schemaDrift,
  checkpointPressure,
  cacheHitRatio,
  diskSpace,
];

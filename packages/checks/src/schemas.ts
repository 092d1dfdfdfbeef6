/** What the control plane may know of checks: names, descriptions and configurations. Pulls in no driver. */

import { checkType as cacheHitRatio } from './cache-hit-ratio/schema.ts';
import type { CheckType } from './check-type.ts';
import { checkType as checkpointPressure } from './checkpoint-pressure/schema.ts';
import { checkType as diskSpace } from './disk-space/schema.ts';
import { checkType as duplicateIndex } from './duplicate-index/schema.ts';
import { checkType as hangingIndexBuild } from './hanging-index-build/schema.ts';
import { checkType as indexBloat } from './index-bloat/schema.ts';
import { checkType as integrity } from './integrity/schema.ts';
import { checkType as invalidConstraint } from './invalid-constraint/schema.ts';
import { checkType as invalidIndex } from './invalid-index/schema.ts';
import { checkType as matviewIndex } from './matview-index/schema.ts';
import { checkType as missingFkIndex } from './missing-fk-index/schema.ts';
import { checkType as orphanedIndex } from './orphaned-index/schema.ts';
import { checkType as redundantIndex } from './redundant-index/schema.ts';
import { checkType as replication } from './replication/schema.ts';
import { checkType as schemaDrift } from './schema-drift/schema.ts';
import { checkType as security } from './security/schema.ts';
import { checkType as slowQueryPattern } from './slow-query-pattern/schema.ts';
import { checkType as staleAdvisoryLock } from './stale-advisory-lock/schema.ts';
import { checkType as staleOperation } from './stale-operation/schema.ts';
import { checkType as staleStatistics } from './stale-statistics/schema.ts';
import { checkType as tableBloat } from './table-bloat/schema.ts';
import { checkType as unusedIndex } from './unused-index/schema.ts';
import { checkType as walArchiving } from './wal-archiving/schema.ts';
import { checkType as workload } from './workload/schema.ts';
import { checkType as wraparound } from './wraparound/schema.ts';

export type { CheckType } from './check-type.ts';

/** Every check there is, in the order of `checkNames`. */
export const checkTypes: readonly CheckType[] = [
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

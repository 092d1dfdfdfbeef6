/**
 * Sessions to the databases under care, and readers of their catalogues.
 *
 * - `createPostgresGateway`: the `TargetGateway` for PostgreSQL 14 and later; the only place where secrets are read.
 * - catalogue: what user text means (`resolveTables`, `resolveIndexes`), who is in the way (`readBlockers`,
 *   `readXminHolders`), how far work is (`watchProgress`).
 */
export { type Blocker, type GatedOperation, readBlockers } from './catalogue/blockers.ts';
export { resolveIndexes } from './catalogue/indexes.ts';
export { readNode } from './catalogue/node-readings.ts';
export { type Exclusion, type RelationRef, type Resolution, resolveRelations } from './catalogue/object-name.ts';
export { type ProgressReading, readProgress } from './catalogue/progress.ts';
export type { Counter, ProgressView } from './catalogue/progress-counters.ts';
export { exclusionWords, type ResolvedTables, resolveTable, resolveTables } from './catalogue/tables.ts';
export { usersTableSql } from './catalogue/users-objects.ts';
export { type ProgressUpdate, watchProgress } from './catalogue/watch-progress.ts';
export {
  hasWorkingCopySuffix,
  isWorkingCopyName,
  type WorkingCopy,
  workingCopyOf,
} from './catalogue/working-copy-name.ts';
export { readXminHolders, type XminHolder } from './catalogue/xmin-holders.ts';
export { createPostgresGateway, type PostgresGatewayOptions } from './postgres-gateway.ts';
export { defaultTimings, type Timings } from './timings.ts';

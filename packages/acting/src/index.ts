/**
 * The safe ways to act on a PostgreSQL, for executors.
 *
 * - `runConcurrently`: CREATE, REINDEX or DROP INDEX CONCURRENTLY behind a start gate, under a watchdog, leaving nothing behind; `sweepConcurrent` and
 *   `inspectConcurrent` for what was cut short.
 * - `safeDrop`: an index that is dropped only when nothing speaks against it, can be made again as it was, and is watched.
 * - `runOnTable`: VACUUM, ANALYZE, DDL with short waits for the lock, ending nobody.
 * - files (`openFolder`, `writeVerified`, `publishFile`, `moveAside`, `removeAside`): in allowed folders only, following no link, hitting nothing that was swapped.
 * - rights, verification (`settle`), and who is in the way or made to wait.
 */
export type { ActRun } from './act-run.ts';
export { blockerJson, blockerWords } from './blocker-words.ts';
export type { ConcurrentProof } from './concurrent-remnant.ts';
export { readConcurrentProof } from './concurrent-remnant.ts';
export type { ConcurrentEnd, ConcurrentLimits, ConcurrentWork } from './concurrent-work.ts';
export {
  type AsideFile,
  bytesOf,
  errnoOf,
  FileError,
  type FileErrorCode,
  type FileIdentity,
  type Folder,
  identityOf,
  isOrdinary,
  isPlainFolder,
  isPlainName,
  isSame,
  isWithin,
  type ListedFile,
  listFiles,
  moveAside,
  nameMatcher,
  onFile,
  openFile,
  openFolder,
  publishFile,
  putBack,
  readContent,
  removeAside,
  shown,
  type VerifiedWrite,
  type Written,
  writeVerified,
} from './files/index.ts';
export { inspectConcurrent } from './inspect-concurrent.ts';
export { type PlannedStatement, planStatements, type StatementPlan } from './plan-statement.ts';
export { readTableOf, runConcurrentText } from './run-concurrent-text.ts';
export { runConcurrently } from './run-concurrently.ts';
export { lockedOutcome, type OnTable, runOnTable, type TableLock, type TableRun, warningsOf } from './run-on-table.ts';
export { type GuardedIndex, readGuardedIndexes } from './safe-drop/guarded-index.ts';
export { judgeUsage } from './safe-drop/judge-usage.ts';
export { type Restorable, readRestorable } from './safe-drop/restore-statements.ts';
export { type SafeDrop, safeDrop } from './safe-drop/safe-drop.ts';
export type { SafeDropLimits } from './safe-drop/safe-drop-limits.ts';
export { type CountedStatement, readCounters, readResetMs } from './safe-drop/statement-counters.ts';
export { findStatementSource, type StatementSource } from './safe-drop/statement-source.ts';
export { readStatementsBefore } from './safe-drop/statements-before.ts';
export {
  type BaselineStatement,
  fromTuple,
  readWatchBaseline,
  toTuple,
  trackOf,
  type WatchBaseline,
} from './safe-drop/watch-baseline.ts';
export { settle } from './settle.ts';
export { shortAttempts } from './short-attempts.ts';
export { type GateLook, type GatePolicy, passGate } from './start-gate.ts';
export { type ConcurrentStatement, quotedName, type StatementKind, statementKind } from './statement-kind.ts';
export { sweepConcurrent } from './sweep-concurrent.ts';
export { tableRightsSql } from './table-rights.ts';
export { buildsCorruptIndexes } from './unsafe-builds.ts';
export { readUnusable, type UnusableIndex } from './unusable-indexes.ts';
export { readWaiters, type Waiter, type Watch, waiterJson, watchWaiters } from './watchdog.ts';

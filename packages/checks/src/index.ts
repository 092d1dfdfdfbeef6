/**
 * Everything that can be found out about a database under care, one folder per check.
 *
 * - `checks`: all of them, for executors.
 * - catalogue: the indexes of tables, which of them do the same, and free names for new ones.
 * - `@slacktide/checks/schemas`: their names and configurations only, for whoever does not look.
 * - `amcheck`: what `integrity` verifies with.
 */
export { type Cover, coverOf, type IndexShape, signatureOf } from './catalogue/index-comparison.ts';
export { type IndexDefinition, type KeyElement, readIndexDefinitions } from './catalogue/index-definitions.ts';
export { freeIndexNameSql, indexNameBaseSql } from './catalogue/new-index-name.ts';
export type { Check, Look } from './check.ts';
export { type EarlierStatements, earlierStatements } from './earlier-statements.ts';
export * as amcheck from './integrity/means.ts';
export { measuredWaste } from './measured-waste.ts';
export { checks } from './registry.ts';
export { describeStandby } from './replication/describe-standby.ts';
export { checkTypes } from './schemas.ts';
export type { KnownStatement, StatementIdentity } from './slow-query-pattern/statement-identity.ts';
export {
  type StatementWindow,
  type WatchedStatement,
  type WatchedStatements,
  watchedStatements,
} from './slow-query-pattern/statement-windows.ts';
export { type TableWorkload, watchedTables } from './workload/table-workloads.ts';

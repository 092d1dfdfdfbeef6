export type { CheckInfo } from './check-catalog.ts';
export { latestCheckRuns } from './latest-check-runs.ts';
export { listChecks } from './list-checks.ts';
export { runChecks } from './run-checks.ts';

/**
 * Everything that can be done to a database under care, one folder per task type.
 *
 * - `executors`: all of them, for the worker.
 * - `@slacktide/executors/schemas`: their names and configurations only, for whoever does not act.
 */
export { executors } from './registry.ts';
export { taskTypes } from './schemas.ts';

/**
 * Everything that can be found out about a database under care, one folder per check.
 *
 * - `checks`: all of them, for executors.
 * - `@slacktide/checks/schemas`: their names and configurations only, for whoever does not look.
 */
export type { Check, Look } from './check.ts';
export { measuredWaste } from './measured-waste.ts';
export { checks } from './registry.ts';
export { checkTypes } from './schemas.ts';

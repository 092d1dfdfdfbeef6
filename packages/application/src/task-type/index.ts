export { listTaskTypes } from './list-task-types.ts';
export { type TaskTypeCatalog, taskTypeCatalog } from './task-type-catalog.ts';

import { AppError } from '../app-error.ts';
import { offDetail, type TaskTypeCatalog } from '../task-type/task-type-catalog.ts';

/** The task type that runs templates, and what switches it on. */
const custom = { type: 'CUSTOM', offUnless: 'CUSTOM_TASKS' } as const;

/** @throws AppError `conflict` while this control plane is not told to run templates */
export function customTasksOn(taskTypes: Pick<TaskTypeCatalog, 'isSwitchedOn'>): void {
  if (taskTypes.isSwitchedOn(custom.offUnless)) return;
  const detail = offDetail(custom);
  throw new AppError('conflict', detail, { problems: [{ pointer: '', code: 'task_type_off', detail }] });
}

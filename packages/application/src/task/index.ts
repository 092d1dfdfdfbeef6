export { defaultLeaseTimes, type LeaseTimes } from './lease-times.ts';
export { type Delivery, type RunTaskDeps, runTask } from './run-task.ts';
export { RunningTasks } from './running-tasks.ts';
export { type AbortReason, abortReasonOf, TaskAbort } from './task-abort.ts';

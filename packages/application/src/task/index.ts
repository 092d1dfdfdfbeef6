export { keepLease, type LeaseKeeper } from './keep-lease.ts';
export { type LeaseTimes, leaseTimes } from './lease-times.ts';
export { standbyName } from './look-context.ts';
export { type Delivery, runTask } from './run-task.ts';
export type { RunTaskDeps } from './run-task-deps.ts';
export { RunningTasks } from './running-tasks.ts';
export { StuckGuard } from './stuck-guard.ts';
export { type SweptRemnants, sweepRemnants } from './sweep-remnants.ts';
export { type AbortReason, abortReasonOf, TaskAbort } from './task-abort.ts';

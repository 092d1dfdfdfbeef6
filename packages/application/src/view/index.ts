export { auditEventView } from './audit-view.ts';
export { healthReportView, signalView } from './health-view.ts';
export { jobView, newJobView } from './job-view.ts';
export { planView } from './plan-view.ts';
export { scheduleView } from './schedule-view.ts';
export { targetTestView, targetView } from './target-view.ts';
export { taskTypeView } from './task-type-view.ts';

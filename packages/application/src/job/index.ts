export { cancelJob } from './cancel-job.ts';
export { getJob } from './get-job.ts';
export { jobCreated } from './job-audit.ts';
export { listJobs } from './list-jobs.ts';
export { listRollbackPoints } from './list-rollback-points.ts';
export { addJob, type JobRequest, newJob } from './new-job.ts';
export { rollbackJob } from './rollback-job.ts';
export { seededIdBytes } from './seeded-id-bytes.ts';
export { startOperation } from './start-operation.ts';

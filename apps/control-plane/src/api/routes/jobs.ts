import { cancelJob, getJob, listJobs, listRollbackPoints, rollbackJob, startOperation } from '@slacktide/application';
import { IdPath, Job, JobPage, JobQuery, OperationInput, RollbackPointList } from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

const tag = 'Jobs';
const path = '/api/v1/maintenance/jobs';

export const jobEndpoints = [
  endpoint({
    method: 'get',
    path,
    permission: 'maintenance:read',
    tag,
    summary: 'List jobs, newest first by due time',
    query: JobQuery,
    answers: { 200: { description: 'A page', schema: JobPage } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await listJobs(deps, ctx, query) }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/{id}`,
    permission: 'maintenance:read',
    tag,
    summary: 'Get a job with its tasks and steps',
    params: IdPath,
    answers: { 200: { description: 'The job', schema: Job } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await getJob(deps, ctx, params) }),
  }),
  endpoint({
    method: 'post',
    path: `${path}/{id}/cancel`,
    permission: 'maintenance:write',
    tag,
    summary: 'Ask for a job to end',
    params: IdPath,
    idempotent: true,
    answers: { 202: { description: 'Tasks not begun are SKIPPED, running ones are being stopped', schema: Job } },
    handle: async ({ deps, ctx, params }) => ({
      status: 202,
      body: await cancelJob(deps, ctx, params),
      headers: { location: `${path}/${params.id}` },
    }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/{id}/rollback-points`,
    permission: 'maintenance:read',
    tag,
    summary: 'List how to take back what a job did',
    params: IdPath,
    answers: { 200: { description: 'The newest first; empty = nothing of it can be', schema: RollbackPointList } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await listRollbackPoints(deps, ctx, params) }),
  }),
  endpoint({
    method: 'post',
    path: `${path}/{id}/rollback`,
    // It changes the schema, and has no window.
    permission: 'maintenance:admin',
    tag,
    summary: 'Take back what a job did, by its rollback points',
    params: IdPath,
    idempotent: true,
    answers: { 202: { description: 'Accepted; `Location` names the job that does it', schema: Job } },
    handle: async ({ deps, ctx, params }) => {
      const job = await rollbackJob(deps, ctx, params);
      return { status: 202, body: job, headers: { location: `${path}/${job.id}` } };
    },
  }),
  endpoint({
    method: 'post',
    path: '/api/v1/admin/maintenance',
    permission: 'maintenance:admin',
    tag,
    summary: 'Vacuum, analyze, reindex or checkpoint, now',
    body: OperationInput,
    idempotent: true,
    answers: { 202: { description: 'Accepted; `Location` names the job', schema: Job } },
    handle: async ({ deps, ctx, body }) => {
      const job = await startOperation(deps, ctx, body);
      return { status: 202, body: job, headers: { location: `${path}/${job.id}` } };
    },
  }),
];

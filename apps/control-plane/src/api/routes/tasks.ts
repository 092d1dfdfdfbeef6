import { resolveTask } from '@slacktide/application';
import { IdPath, Job, TaskResolution } from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

/** What a person does about single tasks. */
export const taskEndpoints = [
  endpoint({
    method: 'post',
    path: '/api/v1/maintenance/tasks/{id}/resolve',
    permission: 'maintenance:write',
    tag: 'Jobs',
    summary: 'Say what became of a task that needs an operator',
    params: IdPath,
    body: TaskResolution,
    idempotent: true,
    answers: { 200: { description: 'Its job, which goes on or ends when no other task of it needs one', schema: Job } },
    handle: async ({ deps, ctx, params, body }) => ({
      status: 200,
      body: await resolveTask(deps, ctx, { ...params, ...body }),
    }),
  }),
];

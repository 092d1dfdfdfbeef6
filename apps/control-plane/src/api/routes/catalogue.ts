import { listTaskTypes, previewPlan } from '@slacktide/application';
import { Plan, PlanInput, TaskTypeList } from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

/** What can be done, and what would be done. */
export const catalogueEndpoints = [
  endpoint({
    method: 'get',
    path: '/api/v1/maintenance/task-types',
    permission: 'maintenance:read',
    tag: 'Task types',
    summary: 'Every task type, with the JSON Schema of its configuration',
    answers: { 200: { description: 'All of them, by name', schema: TaskTypeList } },
    handle: async ({ deps, ctx }) => ({ status: 200, body: listTaskTypes(deps, ctx) }),
  }),
  endpoint({
    method: 'post',
    path: '/api/v1/maintenance/plans',
    permission: 'maintenance:write',
    tag: 'Plans',
    summary: 'Dry run: what these tasks would do on a target now',
    body: PlanInput,
    answers: { 200: { description: 'Statements, locks, sizes, expected time; nothing was done', schema: Plan } },
    handle: async ({ deps, ctx, body }) => ({ status: 200, body: await previewPlan(deps, ctx, body) }),
  }),
];

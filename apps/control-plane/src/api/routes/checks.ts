import { latestCheckRuns, listChecks, runChecks } from '@slacktide/application';
import { CheckList, CheckRunInput, CheckRunList, IdPath, Job } from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

const tag = 'Checks';
const path = '/api/v1/maintenance';

export const checkEndpoints = [
  endpoint({
    method: 'get',
    path: `${path}/checks`,
    permission: 'maintenance:read',
    tag,
    summary: 'Every check, with its defaults and the JSON Schema of its configuration',
    answers: { 200: { description: 'All of them, in the order in which they run', schema: CheckList } },
    handle: async ({ deps, ctx }) => ({ status: 200, body: listChecks(deps, ctx) }),
  }),
  endpoint({
    method: 'post',
    path: `${path}/checks/run`,
    permission: 'maintenance:write',
    tag,
    summary: 'Run checks on a target, now',
    body: CheckRunInput,
    idempotent: true,
    answers: { 202: { description: 'Accepted; `Location` names the job', schema: Job } },
    handle: async ({ deps, ctx, body }) => {
      const job = await runChecks(deps, ctx, body);
      return { status: 202, body: job, headers: { location: `${path}/jobs/${job.id}` } };
    },
  }),
  endpoint({
    method: 'get',
    path: `${path}/targets/{id}/checks`,
    permission: 'maintenance:read',
    tag,
    summary: 'The latest run of every check on a target: what it judged, left out and could not see',
    params: IdPath,
    answers: { 200: { description: 'By name of the check', schema: CheckRunList } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await latestCheckRuns(deps, ctx, params) }),
  }),
];

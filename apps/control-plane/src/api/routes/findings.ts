import { applyFinding, getFinding, listFindings, muteFinding, unmuteFinding } from '@slacktide/application';
import {
  AppliedFinding,
  ApplyInput,
  Finding,
  FindingPage,
  FindingPlan,
  FindingQuery,
  IdPath,
  MuteInput,
  UnmuteInput,
} from '@slacktide/contract';
import { endpoint } from '../endpoint.ts';

const tag = 'Findings';
const path = '/api/v1/maintenance/findings';

export const findingEndpoints = [
  endpoint({
    method: 'get',
    path,
    permission: 'maintenance:read',
    tag,
    summary: 'List findings, newest first by first sight',
    query: FindingQuery,
    answers: { 200: { description: 'A page', schema: FindingPage } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await listFindings(deps, ctx, query) }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/{id}`,
    permission: 'maintenance:read',
    tag,
    summary: 'Get a finding',
    params: IdPath,
    answers: { 200: { description: 'The finding', schema: Finding } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await getFinding(deps, ctx, params) }),
  }),
  endpoint({
    method: 'post',
    path: `${path}/{id}/mute`,
    permission: 'maintenance:write',
    tag,
    summary: 'Silence a finding; it is still watched',
    params: IdPath,
    body: MuteInput,
    idempotent: true,
    answers: { 200: { description: 'Muted', schema: Finding } },
    handle: async ({ deps, ctx, params, body }) => ({
      status: 200,
      body: await muteFinding(deps, ctx, { ...params, ...body }),
    }),
  }),
  endpoint({
    method: 'post',
    path: `${path}/{id}/unmute`,
    permission: 'maintenance:write',
    tag,
    summary: 'Let a finding raise alerts again',
    params: IdPath,
    body: UnmuteInput,
    idempotent: true,
    answers: { 200: { description: 'No longer muted', schema: Finding } },
    handle: async ({ deps, ctx, params, body }) => ({
      status: 200,
      body: await unmuteFinding(deps, ctx, { ...params, ...body }),
    }),
  }),
  endpoint({
    method: 'post',
    path: `${path}/{id}/apply`,
    // What it proposes may be dangerous, and it has no window.
    permission: 'maintenance:admin',
    tag,
    summary: 'Show what would be done about a finding; with the plan_id of what was shown, do it',
    params: IdPath,
    body: ApplyInput,
    idempotent: true,
    answers: {
      200: { description: 'The plan; nothing was done', schema: FindingPlan },
      202: { description: 'Accepted; `Location` names the job', schema: AppliedFinding },
    },
    handle: async ({ deps, ctx, params, body }) => {
      const applied = await applyFinding(deps, ctx, { ...params, ...body });
      if (applied.kind === 'plan') return { status: 200, body: applied.plan };
      return { status: 202, body: applied.job, headers: { location: `/api/v1/maintenance/jobs/${applied.job.id}` } };
    },
  }),
];

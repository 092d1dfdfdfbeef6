import {
  createTarget,
  deleteTarget,
  getTarget,
  grantsOfTarget,
  listTargets,
  replaceTarget,
  testTarget,
} from '@slacktide/application';
import {
  IdPath,
  Target,
  TargetGrants,
  TargetInput,
  TargetPage,
  TargetQuery,
  TargetTest,
  TargetWriteQuery,
} from '@slacktide/contract';
import { endpoint, etagOf } from '../endpoint.ts';

const tag = 'Targets';
const path = '/api/v1/maintenance/targets';
const read = 'maintenance:read';
/** A target names a secret of the workers and where to send it: that is for admins. */
const admin = 'maintenance:admin';

export const targetEndpoints = [
  endpoint({
    method: 'post',
    path,
    permission: admin,
    tag,
    summary: 'Take a database into care; a worker has a look at it first',
    query: TargetWriteQuery,
    body: TargetInput,
    idempotent: true,
    answers: { 201: { description: 'Registered', schema: Target } },
    handle: async ({ deps, ctx, query, body }) => {
      const target = await createTarget(deps, ctx, { target: body, verify: query.verify });
      return { status: 201, body: target, headers: { location: `${path}/${target.id}`, ...etagOf(target.version) } };
    },
  }),
  endpoint({
    method: 'get',
    path,
    permission: read,
    tag,
    summary: 'List targets, newest first',
    query: TargetQuery,
    answers: { 200: { description: 'A page', schema: TargetPage } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await listTargets(deps, ctx, query) }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/{id}`,
    permission: read,
    tag,
    summary: 'Get a target',
    params: IdPath,
    answers: { 200: { description: 'The target; its ETag is its version', schema: Target } },
    handle: async ({ deps, ctx, params }) => {
      const target = await getTarget(deps, ctx, params);
      return { status: 200, body: target, headers: etagOf(target.version) };
    },
  }),
  endpoint({
    method: 'put',
    path: `${path}/{id}`,
    permission: admin,
    tag,
    summary: 'Replace a target',
    params: IdPath,
    query: TargetWriteQuery,
    body: TargetInput,
    ifMatch: true,
    answers: { 200: { description: 'Replaced', schema: Target } },
    handle: async ({ deps, ctx, params, query, body, expectedVersion }) => {
      const target = await replaceTarget(deps, ctx, { ...params, expectedVersion, target: body, verify: query.verify });
      return { status: 200, body: target, headers: etagOf(target.version) };
    },
  }),
  endpoint({
    method: 'delete',
    path: `${path}/{id}`,
    permission: admin,
    tag,
    summary: 'Take a database out of care',
    params: IdPath,
    ifMatch: true,
    answers: { 204: { description: 'Gone; its jobs stay in history' } },
    handle: async ({ deps, ctx, params, expectedVersion }) => {
      await deleteTarget(deps, ctx, { ...params, expectedVersion });
      return { status: 204 };
    },
  }),
  endpoint({
    method: 'post',
    path: `${path}/{id}/test`,
    permission: 'maintenance:write',
    tag,
    summary: 'Have a worker look at a target',
    params: IdPath,
    answers: { 200: { description: 'What it saw', schema: TargetTest } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await testTarget(deps, ctx, params) }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/{id}/grants`,
    permission: read,
    tag,
    summary: 'The rights that its role needs, for observing and for acting, on its major version',
    params: IdPath,
    answers: { 200: { description: 'Statements to run, and what stays unknown all the same', schema: TargetGrants } },
    handle: async ({ deps, ctx, params }) => ({ status: 200, body: await grantsOfTarget(deps, ctx, params) }),
  }),
];

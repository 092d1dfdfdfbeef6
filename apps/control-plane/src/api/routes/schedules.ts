import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  patchSchedule,
  replaceSchedule,
} from '@slacktide/application';
import { IdPath, Schedule, ScheduleInput, SchedulePage, SchedulePatch, ScheduleQuery } from '@slacktide/contract';
import { endpoint, etagOf } from '../endpoint.ts';

const tag = 'Schedules';
const path = '/api/v1/maintenance/schedules';
const read = 'maintenance:read';
const write = 'maintenance:write';

export const scheduleEndpoints = [
  endpoint({
    method: 'post',
    path,
    permission: write,
    tag,
    summary: 'Create a schedule',
    body: ScheduleInput,
    idempotent: true,
    answers: { 201: { description: 'Created', schema: Schedule } },
    handle: async ({ deps, ctx, body }) => {
      const schedule = await createSchedule(deps, ctx, body);
      return {
        status: 201,
        body: schedule,
        headers: { location: `${path}/${schedule.id}`, ...etagOf(schedule.version) },
      };
    },
  }),
  endpoint({
    method: 'get',
    path,
    permission: read,
    tag,
    summary: 'List schedules, newest first',
    query: ScheduleQuery,
    answers: { 200: { description: 'A page', schema: SchedulePage } },
    handle: async ({ deps, ctx, query }) => ({ status: 200, body: await listSchedules(deps, ctx, query) }),
  }),
  endpoint({
    method: 'get',
    path: `${path}/{id}`,
    permission: read,
    tag,
    summary: 'Get a schedule',
    params: IdPath,
    answers: { 200: { description: 'The schedule; its ETag is its version', schema: Schedule } },
    handle: async ({ deps, ctx, params }) => {
      const schedule = await getSchedule(deps, ctx, params);
      return { status: 200, body: schedule, headers: etagOf(schedule.version) };
    },
  }),
  endpoint({
    method: 'put',
    path: `${path}/{id}`,
    permission: write,
    tag,
    summary: 'Replace a schedule',
    params: IdPath,
    body: ScheduleInput,
    ifMatch: true,
    answers: { 200: { description: 'Replaced', schema: Schedule } },
    handle: async ({ deps, ctx, params, body, expectedVersion }) => {
      const schedule = await replaceSchedule(deps, ctx, { ...params, expectedVersion, schedule: body });
      return { status: 200, body: schedule, headers: etagOf(schedule.version) };
    },
  }),
  endpoint({
    method: 'patch',
    path: `${path}/{id}`,
    permission: write,
    tag,
    summary: 'Change some fields of a schedule (RFC 7396)',
    params: IdPath,
    body: SchedulePatch,
    bodyMediaType: 'application/merge-patch+json',
    ifMatch: true,
    answers: { 200: { description: 'Changed', schema: Schedule } },
    handle: async ({ deps, ctx, params, body, expectedVersion }) => {
      const schedule = await patchSchedule(deps, ctx, { ...params, expectedVersion, patch: body });
      return { status: 200, body: schedule, headers: etagOf(schedule.version) };
    },
  }),
  endpoint({
    method: 'delete',
    path: `${path}/{id}`,
    permission: write,
    tag,
    summary: 'Delete a schedule',
    params: IdPath,
    ifMatch: true,
    answers: { 204: { description: 'Deleted; its jobs stay in history' } },
    handle: async ({ deps, ctx, params, expectedVersion }) => {
      await deleteSchedule(deps, ctx, { ...params, expectedVersion });
      return { status: 204 };
    },
  }),
];

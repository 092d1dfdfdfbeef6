import { disableSchedule, enableSchedule, nextFirings, runSchedule } from '@slacktide/application';
import { IdPath, NextFirings, NextQuery, Schedule, StartedJobs } from '@slacktide/contract';
import { endpoint, etagOf } from '../endpoint.ts';

const tag = 'Schedules';
const path = '/api/v1/maintenance/schedules';
const write = 'maintenance:write';

/** What is done with a schedule besides writing it. */
export const scheduleActionEndpoints = [
  endpoint({
    method: 'post',
    path: `${path}/{id}/enable`,
    permission: write,
    tag,
    summary: 'Let a schedule fire',
    params: IdPath,
    idempotent: true,
    answers: { 200: { description: 'Enabled', schema: Schedule } },
    handle: async ({ deps, ctx, params }) => {
      const schedule = await enableSchedule(deps, ctx, params);
      return { status: 200, body: schedule, headers: etagOf(schedule.version) };
    },
  }),
  endpoint({
    method: 'post',
    path: `${path}/{id}/disable`,
    permission: write,
    tag,
    summary: 'Stop a schedule from firing',
    params: IdPath,
    idempotent: true,
    answers: { 200: { description: 'Disabled', schema: Schedule } },
    handle: async ({ deps, ctx, params }) => {
      const schedule = await disableSchedule(deps, ctx, params);
      return { status: 200, body: schedule, headers: etagOf(schedule.version) };
    },
  }),
  endpoint({
    method: 'post',
    path: `${path}/{id}/run`,
    permission: write,
    tag,
    summary: 'Run a schedule now, on each of its targets',
    params: IdPath,
    idempotent: true,
    answers: { 202: { description: 'Accepted; `Location` names the first job', schema: StartedJobs } },
    handle: async ({ deps, ctx, params }) => {
      const started = await runSchedule(deps, ctx, params);
      const bornOver = started.jobs.filter(({ finished_at }) => finished_at !== null);
      for (const { type } of bornOver.flatMap(({ tasks }) => tasks))
        deps.metrics.taskTotal.inc({ task_type: type, status: 'skipped' });
      return { status: 202, body: started, headers: { location: `/api/v1/maintenance/jobs/${started.jobs[0]?.id}` } };
    },
  }),
  endpoint({
    method: 'get',
    path: `${path}/{id}/next`,
    permission: 'maintenance:read',
    tag,
    summary: 'The next due times of a schedule',
    params: IdPath,
    query: NextQuery,
    answers: { 200: { description: 'Due times, soonest first', schema: NextFirings } },
    handle: async ({ deps, ctx, params, query }) => ({
      status: 200,
      body: await nextFirings(deps, ctx, { ...params, ...query }),
    }),
  }),
];

import { resolutions, states, triggers } from '@slacktide/domain';
import { z } from 'zod';
import { Instant, JsonField, JsonObjectField, Slug, Text, Uuid } from './fields.ts';
import { pageOf, pageQuery, timeRangeQuery } from './page.ts';

const stepExample = {
  key: 'public.orders_pkey',
  state: 'RUNNING' as const,
  reason: null,
  object: 'public.orders_pkey',
  statement: 'REINDEX INDEX CONCURRENTLY public.orders_pkey',
  phase: 'building index: scanning table',
  percent: 40,
  eta_seconds: 12.5,
  result: null,
  error: null,
  started_at: '2026-11-22T02:00:01.000Z',
  finished_at: null,
};

const taskExample = {
  id: '01a2013a-7cce-7d00-8f4e-0d9b2f6f1c11',
  key: 'index-rebuild',
  type: 'INDEX_REBUILD',
  config: { indexes: ['orders_pkey'] },
  needs: [],
  state: 'RUNNING' as const,
  reason: null,
  attempt: 1,
  crashes: 0,
  time_limit_seconds: 43_200,
  progress: 40,
  result: null,
  error: null,
  started_at: '2026-11-22T02:00:01.000Z',
  finished_at: null,
  steps: [stepExample],
};

const jobExample = {
  id: '01a2013a-7cce-7c3f-87e0-7dfe651239cd',
  schedule_id: 'nightly-index-rebuild',
  target_id: 'shop',
  trigger: 'schedule' as const,
  state: 'RUNNING' as const,
  reason: null,
  scheduled_for: '2026-11-22T02:00:00.000Z',
  started_at: '2026-11-22T02:00:01.000Z',
  finished_at: null,
  generation: 1,
  cancel_requested_at: null,
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  requested_by: 'dispatcher',
  result: null,
  tasks: [taskExample],
};

const State = z.enum(states);
const Reason = z.string().nullable().describe('Why it ended, or never began, without having failed by itself');

/** An error as the ledger keeps it. */
export const TaskError = z.strictObject({ code: z.string(), message: z.string(), detail: JsonField.nullable() }).meta({
  id: 'TaskError',
  example: { code: 'lock_timeout', message: 'canceling statement due to lock timeout', detail: null },
});

/** A unit of progress inside a task. */
export const Step = z
  .strictObject({
    key: z.string(),
    state: State,
    reason: Reason,
    object: z.string().nullable().describe('`schema.name` of what it works on'),
    statement: z.string().nullable(),
    phase: z.string().nullable().describe('As PostgreSQL names it in pg_stat_progress_*'),
    percent: z.number().min(0).max(100).nullable().describe('Of the phase; null while unknown'),
    eta_seconds: z.number().nullable(),
    result: JsonField.nullable(),
    error: TaskError.nullable(),
    started_at: Instant.nullable(),
    finished_at: Instant.nullable(),
  })
  .meta({ id: 'Step', description: 'A unit of progress: an index, a table, a batch', example: stepExample });
export type Step = z.infer<typeof Step>;

export const Task = z
  .strictObject({
    id: Uuid,
    key: z.string(),
    type: z.string(),
    config: JsonObjectField,
    needs: z.array(z.string()),
    state: State,
    reason: Reason,
    attempt: z.int().min(0),
    crashes: z.int().min(0).describe('Workers that died over it; at the second one it is quarantined'),
    time_limit_seconds: z.int().min(1).describe('How long it may run'),
    progress: z.number().min(0).max(100).nullable().describe('Percent of the whole task; null while unknown'),
    result: JsonField.nullable(),
    error: TaskError.nullable(),
    started_at: Instant.nullable(),
    finished_at: Instant.nullable(),
    steps: z.array(Step),
  })
  .meta({ id: 'Task', description: 'One task type within a job', example: taskExample });
export type Task = z.infer<typeof Task>;

export const Job = z
  .strictObject({
    id: Uuid,
    schedule_id: Slug.nullable().describe('null for an ad-hoc operation'),
    target_id: Slug,
    trigger: z.enum(triggers),
    state: State,
    reason: Reason,
    scheduled_for: Instant,
    started_at: Instant.nullable(),
    finished_at: Instant.nullable(),
    generation: z.int().min(0).describe('How often its tasks were sent out to workers'),
    cancel_requested_at: Instant.nullable(),
    trace_id: z.string(),
    requested_by: z.string(),
    result: JsonObjectField.nullable().describe('The document of the whole run, of jobs whose task makes one'),
    tasks: z.array(Task),
  })
  .meta({
    id: 'Job',
    description: 'One run of a schedule, or of an ad-hoc operation, on one target',
    example: jobExample,
  });
export type Job = z.infer<typeof Job>;

export const JobPage = pageOf(Job, 'JobPage');
export type JobPage = z.infer<typeof JobPage>;

export const JobQuery = z.strictObject({
  ...pageQuery,
  ...timeRangeQuery,
  state: State.optional(),
  schedule_id: Slug.optional(),
  target_id: Slug.optional(),
});
export type JobQuery = z.infer<typeof JobQuery>;

/** Answer of POST /schedules/{id}/run: one job for each target, `Location` names the first. */
export const StartedJobs = z.strictObject({ schedule_id: Slug, jobs: z.array(Job).min(1) }).meta({
  id: 'StartedJobs',
  description: 'One job for each target; outside the window they are SKIPPED',
  example: { schedule_id: 'nightly-index-rebuild', jobs: [jobExample] },
});
export type StartedJobs = z.infer<typeof StartedJobs>;

/** Body of POST /tasks/{id}/resolve. */
export const TaskResolution = z
  .strictObject({
    outcome: z.enum(resolutions).describe('What became of the task; `retry` = it is to run again'),
    note: Text.trim().min(1).max(2_000).describe('What you saw and did, for whoever reads the audit log'),
  })
  .meta({
    id: 'TaskResolution',
    description: 'What a person found to have become of a task in NEEDS_OPERATOR',
    example: { outcome: 'succeeded', note: 'The index is gone; checked pg_index on the primary.' },
  });
export type TaskResolution = z.infer<typeof TaskResolution>;

import {
  defaultCatchUpSeconds,
  defaultMisfireMax,
  longestCatchUpSeconds,
  misfirePolicies,
  mostMisfires,
  overlapPolicies,
} from '@slacktide/domain';
import { z } from 'zod';
import { Instant, Labels, Name, Slug, Text, Version } from './fields.ts';
import { pageOf, pageQuery, QueryBoolean } from './page.ts';
import { TaskEntries, TaskSpec } from './task-entry.ts';

const Hour = z.int().min(0).max(23);
const TargetIds = z
  .array(Slug)
  .min(1)
  .max(500)
  .refine((ids) => new Set(ids).size === ids.length, {
    error: 'A target is named twice',
    params: { code: 'duplicate' },
  });

/** The fields without their defaults: a merge patch must not fill in what it does not name. */
const fields = {
  name: Name,
  description: Text.max(2000),
  cron_expression: Text.min(1).max(200),
  timezone: Text.min(1).max(64),
  window_start_hour: Hour,
  window_end_hour: Hour,
  target_ids: TargetIds,
  target_labels: Labels.refine((labels) => Object.keys(labels).length > 0, {
    error: 'Expected at least one label',
    params: { code: 'too_small' },
  }),
  tasks: TaskEntries,
  halt_on_task_failure: z.boolean(),
  enabled: z.boolean(),
  misfire_policy: z.enum(misfirePolicies),
  misfire_max: z.int().min(1).max(mostMisfires),
  catch_up_seconds: z.int().min(0).max(longestCatchUpSeconds),
  overlap_policy: z.enum(overlapPolicies),
};

const example = {
  id: 'nightly-index-rebuild',
  name: 'Nightly index rebuild',
  cron_expression: '0 2 * * *',
  timezone: 'Europe/Berlin',
  window_start_hour: 1,
  window_end_hour: 5,
  target_ids: ['shop'],
  tasks: ['INDEX_REBUILD', { type: 'STATISTICS_UPDATE' }],
  halt_on_task_failure: true,
  enabled: true,
  misfire_policy: 'run_once' as const,
  misfire_max: defaultMisfireMax,
  catch_up_seconds: defaultCatchUpSeconds,
  overlap_policy: 'skip' as const,
};

/** Body of POST /schedules and PUT /schedules/{id}. */
export const ScheduleInput = z
  .strictObject({
    id: Slug.optional().describe('Made when left out'),
    name: fields.name,
    description: fields.description.nullable().default(null),
    cron_expression: fields.cron_expression.describe('Five fields, or six with seconds first; `H` is not supported'),
    timezone: fields.timezone.default('UTC').describe('IANA name; cron_expression is read in it'),
    window_start_hour: fields.window_start_hour.nullable().default(null).describe('UTC hour from which jobs may run'),
    window_end_hour: fields.window_end_hour
      .nullable()
      .default(null)
      .describe('UTC hour from which they may not; before the start = next day; equal = any time'),
    target_ids: fields.target_ids.nullable().default(null).describe('Either these targets …'),
    target_labels: fields.target_labels.nullable().default(null).describe('… or every target with all these labels'),
    tasks: fields.tasks,
    halt_on_task_failure: fields.halt_on_task_failure.default(true),
    enabled: fields.enabled.default(true),
    misfire_policy: fields.misfire_policy
      .default('run_once')
      .describe('Of the ticks that came due while nothing could run them: run none, the latest, or the newest ones'),
    misfire_max: fields.misfire_max
      .default(defaultMisfireMax)
      .describe('Under run_all: how many ticks are run at most'),
    catch_up_seconds: fields.catch_up_seconds
      .default(defaultCatchUpSeconds)
      .describe(
        'A tick later than this is SKIPPED (`missed`); the latest one is on time up to a minute late, under every policy',
      ),
    overlap_policy: fields.overlap_policy
      .default('skip')
      .describe('While an earlier job is not over on the target: leave the tick out, run it afterwards, or beside'),
  })
  .superRefine((input, ctx) => {
    const refuse = (field: keyof typeof fields, code: string, message: string) =>
      ctx.addIssue({ code: 'custom', path: [field], message, params: { code }, input: undefined });
    if ((input.target_ids === null) === (input.target_labels === null)) {
      refuse('target_ids', 'exactly_one', 'Expected exactly one of target_ids and target_labels');
    }
    if ((input.window_start_hour === null) !== (input.window_end_hour === null)) {
      const missing = input.window_start_hour === null ? 'window_start_hour' : 'window_end_hour';
      refuse(missing, 'both_or_none', 'Expected both window_start_hour and window_end_hour, or neither');
    }
  })
  .meta({ id: 'ScheduleInput', description: 'When, where and what', example });
export type ScheduleInput = z.infer<typeof ScheduleInput>;

/** Body of PATCH /schedules/{id}: a JSON merge patch (RFC 7396). It is checked after merging, as a whole. */
export const SchedulePatch = z.looseObject({}).meta({
  id: 'SchedulePatch',
  description:
    'JSON merge patch (RFC 7396) on the fields of ScheduleInput: null takes a field back to its default; arrays are replaced',
  example: { enabled: false, window_start_hour: null, window_end_hour: null },
});
export type SchedulePatch = z.infer<typeof SchedulePatch>;

export const Schedule = z
  .strictObject({
    id: Slug,
    name: z.string(),
    description: z.string().nullable(),
    cron_expression: z.string(),
    timezone: z.string(),
    window_start_hour: Hour.nullable(),
    window_end_hour: Hour.nullable(),
    target_ids: z.array(z.string()).nullable(),
    target_labels: z.record(z.string(), z.string()).nullable(),
    tasks: z.array(TaskSpec),
    halt_on_task_failure: z.boolean(),
    enabled: z.boolean(),
    misfire_policy: z.enum(misfirePolicies),
    misfire_max: z.int(),
    catch_up_seconds: z.int(),
    overlap_policy: z.enum(overlapPolicies),
    version: Version,
    next_due_at: Instant.nullable().describe('Next tick by the clock of the ledger; null while disabled'),
    last_tick_at: Instant.nullable(),
    created_at: Instant,
    updated_at: Instant,
  })
  .meta({
    id: 'Schedule',
    example: {
      ...example,
      description: null,
      target_labels: null,
      tasks: [{ key: 'index-rebuild', type: 'INDEX_REBUILD', config: {}, needs: [], time_limit_seconds: 43_200 }],
      version: 1,
      next_due_at: '2026-11-23T01:00:00.000Z',
      last_tick_at: null,
      created_at: '2026-11-22T02:00:00.000Z',
      updated_at: '2026-11-22T02:00:00.000Z',
    },
  });
export type Schedule = z.infer<typeof Schedule>;

export const SchedulePage = pageOf(Schedule, 'SchedulePage');
export type SchedulePage = z.infer<typeof SchedulePage>;

export const ScheduleQuery = z.strictObject({
  ...pageQuery,
  enabled: QueryBoolean.optional(),
  name: Text.min(1).max(200).optional(),
});
export type ScheduleQuery = z.infer<typeof ScheduleQuery>;

/** Query of GET /schedules/{id}/next. */
export const NextQuery = z.strictObject({ count: z.coerce.number().int().min(1).max(100).default(10) });
export type NextQuery = z.infer<typeof NextQuery>;

/** Answer of GET /schedules/{id}/next. */
export const NextFirings = z
  .strictObject({
    schedule_id: Slug,
    timezone: z.string(),
    items: z.array(
      z.strictObject({
        due_at: Instant,
        local: z.string().describe('The same moment in the zone of the schedule, with its offset'),
        within_window: z.boolean(),
      }),
    ),
  })
  .meta({
    id: 'NextFirings',
    example: {
      schedule_id: 'nightly-index-rebuild',
      timezone: 'Europe/Berlin',
      items: [{ due_at: '2026-11-23T01:00:00.000Z', local: '2026-11-23T02:00:00+01:00', within_window: true }],
    },
  });
export type NextFirings = z.infer<typeof NextFirings>;

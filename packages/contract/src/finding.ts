import { checkNames, findingStates, safetyClasses, severities } from '@slacktide/domain';
import { z } from 'zod';
import { Instant, JsonObjectField, Slug, Text, Uuid } from './fields.ts';
import { Job } from './job.ts';
import { pageOf, pageQuery } from './page.ts';
import { Plan } from './plan.ts';

const example = {
  id: '01a2013a-7cce-7c3f-87e0-7dfe651239cd',
  target_id: 'shop',
  check: 'redundant_index' as const,
  severity: 'warning' as const,
  state: 'open' as const,
  object: { kind: 'index', schema: 'public', name: 'orders_customer_idx', table: 'orders' },
  summary: 'Index public.orders_customer_idx (4 MiB) is a prefix of public.orders_customer_created_idx, which stays',
  evidence: { size_bytes: 4_194_304, keeper: 'public.orders_customer_created_idx' },
  action: {
    sql: ['DROP INDEX CONCURRENTLY public.orders_customer_idx'],
    rollback_sql: ['CREATE INDEX orders_customer_idx ON public.orders USING btree (customer_id)'],
    lock_mode: 'SHARE UPDATE EXCLUSIVE',
    class: 'never_retry' as const,
  },
  mute: null,
  first_seen_at: '2026-11-22T02:00:00.000Z',
  last_seen_at: '2026-11-29T02:00:00.000Z',
  resolved_at: null,
  occurrences: 168,
};

export const FindingAction = z
  .strictObject({
    sql: z.array(z.string()).describe('Complete statements, each to be sent alone'),
    rollback_sql: z.array(z.string()).describe('Brings back what they remove; empty = nothing can or has to be'),
    lock_mode: z.string().nullable().describe('Strongest table lock; null = none'),
    class: z.enum(safetyClasses),
  })
  .meta({ id: 'FindingAction', example: example.action });

export const Finding = z
  .strictObject({
    id: Uuid,
    target_id: Slug,
    check: z.enum(checkNames),
    severity: z.enum(severities),
    state: z.enum(findingStates),
    object: z.strictObject({
      kind: z.string(),
      schema: z.string().nullable(),
      name: z.string(),
      table: z.string().nullable(),
    }),
    summary: z.string(),
    evidence: JsonObjectField,
    action: FindingAction.nullable().describe('null where there is nothing safe to propose'),
    mute: z
      .strictObject({ reason: z.string(), until: Instant.nullable(), by: z.string(), at: Instant })
      .nullable()
      .describe('In force while `state` is muted'),
    first_seen_at: Instant,
    last_seen_at: Instant,
    resolved_at: Instant.nullable(),
    occurrences: z.int().min(1).describe('In how many runs of the check it was found'),
  })
  .meta({ id: 'Finding', description: 'What a check found, over time', example });
export type Finding = z.infer<typeof Finding>;

export const FindingPage = pageOf(Finding, 'FindingPage');
export type FindingPage = z.infer<typeof FindingPage>;

export const FindingQuery = z.strictObject({
  ...pageQuery,
  target_id: Slug.optional(),
  check: z.enum(checkNames).optional(),
  state: z.enum(findingStates).optional(),
  severity: z.enum(severities).optional(),
});
export type FindingQuery = z.infer<typeof FindingQuery>;

/** Body of POST /findings/{id}/mute. */
export const MuteInput = z
  .strictObject({
    reason: Text.trim().min(1).max(1_000).describe('For whoever wonders later'),
    until: Instant.nullable().default(null).describe('When it raises alerts again; null = when somebody unmutes it'),
  })
  .meta({ id: 'MuteInput', example: { reason: 'Dropped with the next release', until: '2027-01-01T00:00:00.000Z' } });
export type MuteInput = z.infer<typeof MuteInput>;

/** Body of POST /findings/{id}/unmute. */
export const UnmuteInput = z
  .strictObject({ reason: Text.trim().min(1).max(1_000).optional().describe('For the audit log') })
  .meta({ id: 'UnmuteInput', example: { reason: 'The release was put off' } });
export type UnmuteInput = z.infer<typeof UnmuteInput>;

const planId = z.string().regex(/^[0-9a-f]{32}$/, 'Expected plan_id as the plan gave it');

/** Body of POST /findings/{id}/apply. */
export const ApplyInput = z
  .strictObject({
    plan_id: planId
      .optional()
      .describe('The plan that was shown and is to be done; left out = show the plan, do nothing'),
  })
  .meta({ id: 'ApplyInput', example: { plan_id: '9f86d081884c7d659a2feaa0c55ad015' } });
export type ApplyInput = z.infer<typeof ApplyInput>;

/** Answer of POST /findings/{id}/apply without a plan_id: nothing was done. */
export const FindingPlan = z
  .strictObject({
    finding_id: Uuid,
    plan_id: planId.nullable().describe('Send it to have this plan done; null = there is nothing to do'),
    plan: Plan,
  })
  .meta({
    id: 'FindingPlan',
    description: 'What would be done about a finding',
    example: { finding_id: example.id, plan_id: '9f86d081884c7d659a2feaa0c55ad015', plan: Plan.meta()?.['example'] },
  });
export type FindingPlan = z.infer<typeof FindingPlan>;

/** Answer with a plan_id: the job that does it. */
export const AppliedFinding = Job;

import { checkNames } from '@slacktide/domain';
import { z } from 'zod';
import { Instant, JsonObjectField, Slug, Uuid } from './fields.ts';

const name = z.enum(checkNames);

export const Check = z
  .strictObject({
    name,
    description: z.string(),
    defaults: JsonObjectField.describe('The configuration that holds where nothing else is said'),
    config_schema: JsonObjectField.describe('JSON Schema of the configuration (2020-12)'),
  })
  .meta({
    id: 'Check',
    description: 'Something that is looked for on a database',
    example: {
      name: 'unused_index',
      description: 'Indexes that nobody used on any node while they were watched.',
      defaults: { min_scans: 10, days_unused: 7 },
      config_schema: { type: 'object', properties: { min_scans: { type: 'integer', default: 10 } } },
    },
  });
export type Check = z.infer<typeof Check>;

/** Answer of GET /checks: all of them, in the order in which they run. */
export const CheckList = z
  .strictObject({ items: z.array(Check), next_cursor: z.null() })
  .meta({ id: 'CheckList', example: { items: [Check.meta()?.['example'] as never], next_cursor: null } });
export type CheckList = z.infer<typeof CheckList>;

/** Body of POST /checks/run. */
export const CheckRunInput = z
  .strictObject({
    target_id: Slug,
    checks: z
      .union([z.literal('all'), z.array(name).min(1).max(checkNames.length)])
      .describe('Names as GET /checks has them, or "all"'),
    config: z
      .record(z.string(), JsonObjectField)
      .default({})
      .describe('Thresholds by check; what is left out is as the care settings say'),
  })
  .meta({
    id: 'CheckRunInput',
    example: { target_id: 'shop', checks: ['unused_index'], config: { unused_index: { min_scans: 5 } } },
  });
export type CheckRunInput = z.infer<typeof CheckRunInput>;

export const CheckRun = z
  .strictObject({
    check: name,
    task_id: Uuid,
    at: Instant,
    checked: z.int().describe('How many objects were judged'),
    found: z.int().describe('How many findings there were'),
    skipped: z.array(z.strictObject({ object: z.string(), reason: z.string() })).describe('Left out by rule'),
    unknown: z
      .array(z.strictObject({ object: z.string(), reason: z.string(), grant: z.string().nullable() }))
      .describe('What could not be judged, with the GRANT that would cure it'),
    figures: JsonObjectField,
    config: JsonObjectField.describe('What it judged by'),
  })
  .meta({
    id: 'CheckRun',
    description: 'The latest run of a check on a target',
    example: {
      check: 'unused_index',
      task_id: '01a2013a-7cce-7d00-8f4e-0d9b2f6f1c11',
      at: '2026-11-29T02:00:00.000Z',
      checked: 40,
      found: 2,
      skipped: [{ object: 'public.settings_pkey', reason: 'primary_key' }],
      unknown: [{ object: 'public.fresh_idx', reason: 'observed for 0.5 of 7 days', grant: null }],
      figures: {},
      config: { min_scans: 10, days_unused: 7 },
    },
  });
export type CheckRun = z.infer<typeof CheckRun>;

/** Answer of GET /targets/{id}/checks. */
export const CheckRunList = z.strictObject({ target_id: Slug, items: z.array(CheckRun), next_cursor: z.null() }).meta({
  id: 'CheckRunList',
  example: { target_id: 'shop', items: [CheckRun.meta()?.['example'] as never], next_cursor: null },
});
export type CheckRunList = z.infer<typeof CheckRunList>;

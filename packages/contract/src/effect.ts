import { effectAdviceCodes } from '@slacktide/domain';
import { z } from 'zod';
import { Instant, JsonObjectField, Slug, Text, Uuid } from './fields.ts';
import { pageOf, pageQuery } from './page.ts';

const example = {
  id: 4711,
  target_id: 'shop',
  job_id: '01a2013a-7cce-7c3f-87e0-7dfe651239cd',
  task_type: 'INDEX_REBUILD',
  at: '2026-11-01T02:00:04.000Z',
  action: 'reindex',
  object: 'public.orders_created_at_idx',
  object_kind: 'index',
  duration_ms: 3_812,
  size_before_bytes: 104_857_600,
  size_after_bytes: 52_428_800,
  bytes_freed: 52_428_800,
  waste_before_percent: 52,
  waste_after_percent: 9,
  growth_back: {
    seen_at: '2026-11-22T02:00:00.000Z',
    size_bytes: 99_614_720,
    regrown_bytes: 47_185_920,
    waste_percent: 51,
    waste_back_at: '2026-11-12T02:00:00.000Z',
    waste_back_days: 11,
  },
  statements: [
    {
      query_id: '-3141592653589793238',
      calls_before: 9_120,
      mean_ms_before: 4.1,
      calls_after: 8_771,
      mean_ms_after: 2.9,
    },
  ],
  advice: {
    code: 'set_fillfactor' as const,
    action: 'reindex',
    words: 'The last two times its waste was back within 12 days: stop rebuilding it, set fillfactor 70.',
    fillfactor: 70,
    threshold_percent: null,
  },
  detail: { table: 'public.orders', fillfactor: 90 },
};

/** What one step did to one object, how it lasted, and what that says. */
export const Effect = z
  .strictObject({
    id: z.int(),
    target_id: Slug,
    job_id: Uuid,
    task_type: z.string(),
    at: Instant,
    action: z.string(),
    object: z.string().describe('`schema.name`, quoted by the server'),
    object_kind: z.string(),
    duration_ms: z.number(),
    size_before_bytes: z.number().nullable(),
    size_after_bytes: z.number().nullable(),
    bytes_freed: z.number().nullable().describe('Less than nothing where it grew; null where a size is not known'),
    waste_before_percent: z.number().nullable().describe('Measured; null = it was not'),
    waste_after_percent: z.number().nullable(),
    growth_back: z
      .strictObject({
        seen_at: Instant.describe('The latest look at the object before the next such work'),
        size_bytes: z.number().nullable(),
        regrown_bytes: z.number().nullable().describe('Since the work was done'),
        waste_percent: z.number().nullable().describe('The latest that was measured'),
        waste_back_at: Instant.nullable().describe('When waste had reached again what the object was worked on for'),
        waste_back_days: z.number().nullable(),
      })
      .nullable()
      .describe('By later samples of the primary; null = there is none yet'),
    statements: z
      .array(
        z.strictObject({
          query_id: z.string(),
          calls_before: z.number().nullable(),
          mean_ms_before: z.number().nullable(),
          calls_after: z.number().nullable().describe('Within the week after; null = not counted'),
          mean_ms_after: z.number().nullable(),
        }),
      )
      .nullable()
      .describe('Statements that used the object; null where none were noted before'),
    advice: z
      .strictObject({
        code: z.enum(effectAdviceCodes),
        action: z.string(),
        words: z.string(),
        fillfactor: z.number().nullable().describe('To set; null = not advised'),
        threshold_percent: z.number().nullable().describe('Waste from which it is worth it; null = not advised'),
      })
      .nullable()
      .describe('What the history of the object says should be changed'),
    detail: JsonObjectField,
  })
  .meta({ id: 'Effect', description: 'What act work did to an object, and whether it was worth it', example });
export type Effect = z.infer<typeof Effect>;

export const EffectPage = pageOf(Effect, 'EffectPage');
export type EffectPage = z.infer<typeof EffectPage>;

export const EffectQuery = z.strictObject({
  ...pageQuery,
  target_id: Slug.optional(),
  object: Text.min(1).max(260).optional().describe('`schema.name`, quoted as the server does'),
  action: Text.min(1).max(63).optional(),
});
export type EffectQuery = z.infer<typeof EffectQuery>;

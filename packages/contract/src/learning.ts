import { learningKinds } from '@slacktide/domain';
import { z } from 'zod';
import { Instant, JsonObjectField, Slug } from './fields.ts';
import { pageOf, pageQuery } from './page.ts';

const example = {
  target_id: 'shop',
  kind: 'forecast' as const,
  key: 'index_bloat:public.orders_customer_idx',
  value: {
    subject: 'index_bloat',
    object: 'public.orders_customer_idx',
    threshold: 20,
    kind: 'forecast',
    value: 17.2,
    days: { low: 4.1, likely: 5.6, high: 9 },
    back_tested_error_percent: 3.1,
  },
  first_learned_at: '2026-11-22T02:00:00.000Z',
  learned_at: '2026-11-29T02:00:00.000Z',
};

export const Learning = z
  .strictObject({
    target_id: Slug,
    kind: z.enum(learningKinds),
    key: z.string().describe('What it is about, unique within its kind; `summary` = of the whole look'),
    value: JsonObjectField,
    first_learned_at: Instant,
    learned_at: Instant,
  })
  .meta({ id: 'Learning', description: 'Something learned of a target by watching it', example });
export type Learning = z.infer<typeof Learning>;

export const LearningPage = pageOf(Learning, 'LearningPage');
export type LearningPage = z.infer<typeof LearningPage>;

export const LearningQuery = z.strictObject({
  ...pageQuery,
  target_id: Slug.optional(),
  kind: z.enum(learningKinds).optional(),
});
export type LearningQuery = z.infer<typeof LearningQuery>;

/** Body of POST /queries/assess. */
export const AssessInput = z
  .strictObject({
    target_id: Slug,
    sql: z.string().trim().min(1).max(20_000).describe('One statement; it is planned, never run'),
  })
  .meta({ id: 'AssessInput', example: { target_id: 'shop', sql: 'SELECT * FROM orders WHERE customer_id = 7' } });
export type AssessInput = z.infer<typeof AssessInput>;

const assessment = {
  risk: 'high' as const,
  reasons: ['reads 2000000 rows of a table whole', 'two earlier statements of this shape were slow'],
  plan: {
    total_cost: 41_234,
    rows: 12,
    largest_scan_rows: 2_000_000,
    nested_loops: 0,
    sorts: 0,
    nodes: ['Seq Scan'],
  },
  model: { used: false, probability: null, accuracy: 0.91, precision: 0.8, recall: 0.7, rule: 'plan_cost' },
  similar: [{ key: '5f3a', kind: 'slow', mean_ms: 812, query: 'SELECT * FROM orders WHERE customer_id = $1' }],
};

/** Answer of POST /queries/assess. */
export const Assessment = z
  .strictObject({
    risk: z.enum(['low', 'medium', 'high', 'unknown']),
    reasons: z.array(z.string()).describe('What the judgement rests on, in words'),
    plan: z
      .strictObject({
        total_cost: z.number(),
        rows: z.number(),
        largest_scan_rows: z.number().describe('Rows of the largest table read whole; 0 = none is'),
        nested_loops: z.number(),
        sorts: z.number(),
        nodes: z.array(z.string()),
      })
      .nullable()
      .describe('null where the server could not or may not plan it: see the reasons'),
    model: z
      .strictObject({
        used: z.boolean().describe('Only a model that beat the trivial rule on what it had not seen is used'),
        probability: z.number().nullable().describe('That the statement is slow, by the model; null when not used'),
        accuracy: z.number(),
        precision: z.number().nullable(),
        recall: z.number().nullable(),
        rule: z.string(),
      })
      .nullable()
      .describe('null = none was trained yet'),
    similar: z
      .array(
        z.strictObject({
          key: z.string(),
          kind: z.string(),
          mean_ms: z.number(),
          query: z.string().nullable(),
        }),
      )
      .describe('Statements seen on the target that use the same tables'),
  })
  .meta({ id: 'Assessment', description: 'How risky a statement is', example: assessment });
export type Assessment = z.infer<typeof Assessment>;

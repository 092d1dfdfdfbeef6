import { z } from 'zod';
import { Slug } from './fields.ts';
import { TaskEntries } from './task-entry.ts';

/** Body of POST /plans. */
export const PlanInput = z
  .strictObject({ target_id: Slug, tasks: TaskEntries })
  .meta({ id: 'PlanInput', example: { target_id: 'shop', tasks: ['INDEX_REBUILD'] } });
export type PlanInput = z.infer<typeof PlanInput>;

const stepExample = {
  key: 'public.orders_pkey',
  object: { kind: 'index' as const, schema: 'public', name: 'orders_pkey' },
  statements: ['REINDEX INDEX CONCURRENTLY public.orders_pkey'],
  lock_mode: 'SHARE UPDATE EXCLUSIVE',
  size_bytes: 26_214_400,
  expected_seconds: 4,
  reversible: true,
};

const taskExample = {
  key: 'index-rebuild',
  type: 'INDEX_REBUILD',
  needs: [],
  steps: [stepExample],
  checked: 12,
  skipped: [{ object: 'public.customers_pkey', reason: 'over_max_indexes' }],
  unknown: [],
  size_bytes: 26_214_400,
  expected_seconds: 4,
};

export const PlannedStep = z
  .strictObject({
    key: z.string(),
    object: z.strictObject({
      kind: z.enum(['index', 'table', 'database', 'cluster']),
      schema: z.string().nullable(),
      name: z.string(),
    }),
    statements: z.array(z.string()).describe('Exactly as they would be sent'),
    lock_mode: z.string().nullable().describe('Strongest table lock; null = none'),
    size_bytes: z.number().nullable(),
    expected_seconds: z.number().nullable().describe('Estimate; null = unknown'),
    reversible: z.boolean(),
  })
  .meta({ id: 'PlannedStep', example: stepExample });

/** What one task would do, and what it would not and why. */
export const PlannedTask = z
  .strictObject({
    key: z.string(),
    type: z.string(),
    needs: z.array(z.string()),
    steps: z.array(PlannedStep),
    checked: z.int().describe('How many objects were looked at'),
    skipped: z.array(z.strictObject({ object: z.string(), reason: z.string() })),
    unknown: z
      .array(z.strictObject({ object: z.string(), reason: z.string(), grant: z.string().nullable() }))
      .describe('What could not be seen, with the GRANT that would cure it'),
    size_bytes: z.number().nullable().describe('Of all steps; null when one is unknown'),
    expected_seconds: z.number().nullable().describe('Of all steps; null when one is unknown'),
  })
  .meta({ id: 'PlannedTask', example: taskExample });

/** Answer of POST /plans: nothing was done. */
export const Plan = z.strictObject({ target_id: Slug, tasks: z.array(PlannedTask) }).meta({
  id: 'Plan',
  description: 'A dry run: what would be done now',
  example: { target_id: 'shop', tasks: [taskExample] },
});
export type Plan = z.infer<typeof Plan>;

import { z } from 'zod';
import { Slug } from './fields.ts';
import { TaskEntries } from './task-entry.ts';

/** Body of POST /plans. */
export const PlanInput = z
  .strictObject({ target_id: Slug, tasks: TaskEntries })
  .meta({ id: 'PlanInput', example: { target_id: 'shop', tasks: ['INDEX_REBUILD'] } });
export type PlanInput = z.infer<typeof PlanInput>;

const blastRadiusExample = {
  would_wait: [
    {
      pid: 4711,
      user: 'orders',
      application_name: 'checkout',
      transaction_age_seconds: 12.5,
      locks: 'ROW EXCLUSIVE',
    },
  ],
  would_wait_count: 1,
  temp_disk_bytes: 26_214_400,
  wal_bytes: 26_214_400,
  expected_seconds: { low: 2.8, likely: 3.4, high: 6.1, samples: 9 },
  reversible: true,
};

/** Whom and what a step would touch if it began now. */
export const BlastRadius = z
  .strictObject({
    would_wait: z
      .array(
        z.strictObject({
          pid: z.int().nullable().describe('null for a prepared transaction'),
          user: z.string().nullable(),
          application_name: z.string().nullable(),
          transaction_age_seconds: z.number().nullable().describe('null where the role may not see it'),
          locks: z.string().describe('Table locks it holds or waits for, or `a snapshot`'),
        }),
      )
      .nullable()
      .describe(
        'Who would have to wait for it, or it for them: the oldest transactions first, 20 at most; null = unknown',
      ),
    would_wait_count: z.int().nullable().describe('How many in all; null = unknown'),
    temp_disk_bytes: z.number().nullable().describe('Disk used besides until it is over; null = unknown'),
    wal_bytes: z.number().nullable().describe('Write-ahead log it makes; null = unknown'),
    expected_seconds: z
      .strictObject({ low: z.number(), likely: z.number(), high: z.number(), samples: z.int() })
      .nullable()
      .describe('By like work on this target: 10th percentile, median, 90th; null = fewer than three samples'),
    reversible: z.boolean(),
  })
  .meta({ id: 'BlastRadius', example: blastRadiusExample });

const stepExample = {
  key: 'public.orders_pkey',
  object: { kind: 'index' as const, schema: 'public', name: 'orders_pkey' },
  statements: ['REINDEX INDEX CONCURRENTLY public.orders_pkey'],
  lock_mode: 'SHARE UPDATE EXCLUSIVE',
  size_bytes: 26_214_400,
  expected_seconds: 4,
  reversible: true,
  blast_radius: blastRadiusExample,
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
      kind: z.enum(['index', 'table', 'database', 'cluster', 'file', 'record']),
      schema: z.string().nullable(),
      name: z.string(),
    }),
    statements: z.array(z.string()).describe('Exactly as they would be sent'),
    lock_mode: z.string().nullable().describe('Strongest table lock; null = none'),
    size_bytes: z.number().nullable(),
    expected_seconds: z.number().nullable().describe('Estimate; null = unknown'),
    reversible: z.boolean(),
    advice: z
      .string()
      .optional()
      .describe(
        'What the history of the object advises instead; done all the same: it was named, or advice is not heeded',
      ),
    blast_radius: BlastRadius.nullable().describe('null = it was not weighed'),
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
    skipped: z.array(
      z.strictObject({
        object: z.string(),
        reason: z.string(),
        detail: z.string().optional().describe('For a person: what would change it'),
      }),
    ),
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

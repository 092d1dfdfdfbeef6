import { defaultTimeLimitSeconds } from '@slacktide/domain';
import { z } from 'zod';
import { JsonObjectField, Slug, Text } from './fields.ts';
import { TimeLimitSeconds } from './task-entry.ts';

export const operations = ['vacuum', 'analyze', 'reindex', 'checkpoint'] as const;
export type OperationName = (typeof operations)[number];

/** Body of POST /api/v1/admin/maintenance; the answer is 202 with the job. */
export const OperationInput = z
  .strictObject({
    operation: z.enum(operations),
    tables: z
      .array(Text.min(1).max(200))
      .max(1000)
      .default([])
      .describe('`name` or `schema.name`; [] = all. `checkpoint` takes none'),
    target: Slug.optional().describe('May be left out when there is exactly one target'),
    options: JsonObjectField.default({}).describe("Further configuration of the operation's task type"),
    time_limit_seconds: TimeLimitSeconds.optional().describe(
      `How long it may run; by default ${defaultTimeLimitSeconds}`,
    ),
  })
  .meta({
    id: 'OperationInput',
    description: 'One operation, now',
    example: { operation: 'analyze', tables: ['orders'], target: 'shop' },
  });
export type OperationInput = z.infer<typeof OperationInput>;

import { z } from 'zod';
import { Instant, JsonObjectField, Text } from './fields.ts';
import { pageOf, pageQuery, timeRangeQuery } from './page.ts';

export const AuditEvent = z
  .strictObject({
    id: z.string(),
    at: Instant,
    actor: z.string(),
    action: z.string(),
    entity: z.string(),
    entity_id: z.string(),
    reason: z.string().nullable(),
    trace_id: z.string().nullable(),
    before: JsonObjectField.nullable(),
    after: JsonObjectField.nullable(),
  })
  .meta({
    id: 'AuditEvent',
    description: 'One change, written in the transaction that made it',
    example: {
      id: '42',
      at: '2026-11-22T02:00:00.000Z',
      actor: 'api_key:9f86d081884c7d65',
      action: 'job.cancel',
      entity: 'job',
      entity_id: '01a2013a-7cce-7c3f-87e0-7dfe651239cd',
      reason: null,
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      before: { state: 'PENDING', cancel_requested_at: null, tasks: { checkpoint: 'PENDING' } },
      after: {
        state: 'PENDING',
        cancel_requested_at: '2026-11-22T02:00:00.000Z',
        tasks: { checkpoint: 'SKIPPED' },
      },
    },
  });
export type AuditEvent = z.infer<typeof AuditEvent>;

export const AuditPage = pageOf(AuditEvent, 'AuditPage');
export type AuditPage = z.infer<typeof AuditPage>;

export const AuditQuery = z.strictObject({
  ...pageQuery,
  ...timeRangeQuery,
  entity: Text.min(1).max(50).optional(),
  entity_id: Text.min(1).max(200).optional(),
  action: Text.min(1).max(100).optional(),
  actor: Text.min(1).max(200).optional(),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

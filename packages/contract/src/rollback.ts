import { z } from 'zod';
import { Instant, Uuid } from './fields.ts';

const example = {
  id: '7f9c24e8-3b12-4fef-91e0-5a9b1d2c3e4f',
  object: 'public.orders_customer_idx',
  summary: 'index public.orders_customer_idx on public.orders',
  statements: ['CREATE INDEX CONCURRENTLY orders_customer_idx ON public.orders USING btree (customer_id)'],
  state: 'armed' as const,
  created_at: '2026-11-22T02:00:04.120Z',
  used_by_job_id: null,
};

/** `prepared` = what became of it is not known; `armed` = it was done; `void` = it was not; `used` = it was taken back. */
export const RollbackPoint = z
  .strictObject({
    id: Uuid,
    object: z.string().describe('`schema.name` of what was changed, quoted'),
    summary: z.string(),
    statements: z.array(z.string()).describe('Bring it back, each sent alone, in this order'),
    state: z
      .enum(['prepared', 'armed', 'void', 'used'])
      .describe(
        'prepared = written before it was done, and what became of it is not known; armed = it was done; void = it was not; used = it was taken back',
      ),
    created_at: Instant,
    used_by_job_id: Uuid.nullable(),
  })
  .meta({ id: 'RollbackPoint', description: 'How to take back something that a job did', example });
export type RollbackPoint = z.infer<typeof RollbackPoint>;

/** Answer of GET /jobs/{id}/rollback-points. */
export const RollbackPointList = z.strictObject({ job_id: Uuid, items: z.array(RollbackPoint) }).meta({
  id: 'RollbackPointList',
  description: 'Rollback points of a job, the newest first; kept for 90 days',
  example: { job_id: '01a2013a-7cce-7c3f-87e0-7dfe651239cd', items: [example] },
});
export type RollbackPointList = z.infer<typeof RollbackPointList>;

import { seededIdBytes } from '../job/seeded-id-bytes.ts';
import type { RequestContext } from '../ports/index.ts';

/** The trace that a tick's jobs belong to. */
export type TickTrace = Pick<RequestContext, 'traceId' | 'traceparent'>;

/** A trace of the tick's own, for ticks that are fired together: the same for the same tick, sampled when the context is. */
export function tickTrace(scheduleId: string, dueAt: Date, { traceparent }: TickTrace): TickTrace {
  const idBytes = seededIdBytes('trace', scheduleId, dueAt.toISOString());
  const traceId = Buffer.from(idBytes()).toString('hex');
  const spanId = Buffer.from(idBytes().subarray(0, 8)).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${spanId}-${traceparent.slice(-2)}` };
}

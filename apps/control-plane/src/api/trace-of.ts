import { currentTrace, type TraceContext } from '@slacktide/telemetry';
import type { Context } from 'hono';

const traces = new WeakMap<Context, TraceContext>();

/** The trace a request belongs to, one for its whole life: its answer, its job and its log lines all name it. */
export function traceOf(c: Context): TraceContext {
  const trace = traces.get(c) ?? currentTrace(c.req.header('traceparent'));
  traces.set(c, trace);
  return trace;
}

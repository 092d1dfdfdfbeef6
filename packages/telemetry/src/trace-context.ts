import { randomBytes } from 'node:crypto';
import { type Context, context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';

/** A W3C trace context; every job has one, with or without a collector, so that logs of all processes can be joined. */
export interface TraceContext {
  readonly traceId: string;
  readonly traceparent: string;
}

const traceparentFormat = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** The active span's context; else the caller's `traceparent` when it is well formed; else a fresh one, marked as not sampled. */
export function currentTrace(incoming?: string): TraceContext {
  const active = trace.getActiveSpan()?.spanContext();
  if (active !== undefined && trace.isSpanContextValid(active)) {
    const flags = active.traceFlags.toString(16).padStart(2, '0');
    return { traceId: active.traceId, traceparent: `00-${active.traceId}-${active.spanId}-${flags}` };
  }
  const traceId = incoming === undefined ? undefined : traceparentFormat.exec(incoming)?.[1];
  if (incoming !== undefined && traceId !== undefined && !/^0+$/.test(traceId))
    return { traceId, traceparent: incoming };
  const fresh = randomBytes(16).toString('hex');
  return { traceId: fresh, traceparent: `00-${fresh}-${randomBytes(8).toString('hex')}-00` };
}

/** The context in which work that belongs to `traceparent` runs. */
export function contextOf(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

/** Runs `work` in a span named `name`; under `traceparent` when nothing is active yet. Records what it throws. */
export async function inSpan<T>(
  name: string,
  options: { readonly traceparent?: string; readonly attributes?: Record<string, string | number | boolean> },
  work: () => Promise<T>,
): Promise<T> {
  const parent =
    trace.getActiveSpan() === undefined && options.traceparent !== undefined
      ? contextOf(options.traceparent)
      : context.active();
  return await trace
    .getTracer('slacktide')
    .startActiveSpan(name, { attributes: options.attributes ?? {} }, parent, async (span) => {
      try {
        return await work();
      } catch (error) {
        span.recordException(error instanceof Error ? error.name : 'error');
        span.setStatus({ code: 2 });
        throw error;
      } finally {
        span.end();
      }
    });
}

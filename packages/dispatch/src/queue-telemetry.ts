import { type Context, context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { type Span, SpanKind, type Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';

/** Stands in for the spans nobody asked for: keeps the context as it is. */
const silentSpan: Span<Context> = {
  setSpanOnContext: (ctx) => ctx,
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};

/**
 * BullMQ's spans and the W3C context that each job carries across the queue, by OpenTelemetry's global API.
 *
 * Differs from plain `BullMQOtel` in two points: BullMQ's housekeeping (stalled checks, lock renewals, the next tick) makes
 * no traces of its own, only work does; and the loops it starts do not hang on the span in which they happened to start.
 */
export function queueTelemetry(): Telemetry<Context> {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: 'slacktide.dispatch' });
  return {
    tracer: {
      startSpan(name, options, parent) {
        const begins = trace.getSpan(parent ?? context.active()) === undefined;
        if (begins && options?.kind !== SpanKind.CONSUMER) return silentSpan;
        return tracer.startSpan(name, options, parent);
      },
    },
    contextManager: {
      with: (ctx, run) => contextManager.with(ctx, run),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT,
      getMetadata: (ctx) => contextManager.getMetadata(ctx),
      fromMetadata: (ctx, metadata) => contextManager.fromMetadata(ctx, metadata),
    },
  };
}

/** The context of `traceparent` and of nothing else: no baggage enters Redis. */
export function contextOfTraceparent(traceparent: string): Context {
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

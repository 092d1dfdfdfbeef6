import { context, propagation, trace } from '@opentelemetry/api';

/** Running tracing; `stop` exports what is left, within a time limit. */
export interface Tracing {
  readonly enabled: boolean;
  stop(): Promise<void>;
}

export interface TracingOptions {
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** OTLP/HTTP base URL, e.g. `http://collector:4318`; undefined switches tracing off, at no cost. */
  readonly endpoint: string | undefined;
  /** `http/json` (default here: readable by everything) or `http/protobuf`. Headers come from OTEL_EXPORTER_OTLP_HEADERS, as the exporters read it. */
  readonly protocol: 'http/json' | 'http/protobuf';
}

/** Starts OpenTelemetry when an endpoint is set; the SDK is loaded only then. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  if (options.endpoint === undefined) return { enabled: false, stop: () => Promise.resolve() };
  const [
    sdk,
    { resourceFromAttributes },
    { AsyncLocalStorageContextManager },
    { W3CTraceContextPropagator },
    exporters,
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/core'),
    options.protocol === 'http/json'
      ? import('@opentelemetry/exporter-trace-otlp-http')
      : import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  const exporter = new exporters.OTLPTraceExporter({ url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.serviceName,
      'service.version': options.serviceVersion,
    }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, scheduledDelayMillis: 1_000 })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return {
    enabled: true,
    // A collector that is away must not hold up the end of the process.
    stop: () => provider.shutdown().catch(() => undefined),
  };
}

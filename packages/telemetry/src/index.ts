export { createLogger, type Logger, redactSecrets } from './logger.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { contextOf, currentTrace, inSpan, type TraceContext } from './trace-context.ts';
export { startTracing, type Tracing, type TracingOptions } from './tracing.ts';

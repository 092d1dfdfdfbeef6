import { context, createContextKey, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  DB_SYSTEM_NAME_VALUE_POSTGRESQL,
} from '@opentelemetry/semantic-conventions';
import { TargetError } from '@slacktide/application/ports';
import type { Endpoint } from './connection-url.ts';

const silent = createContextKey('slacktide: statements without spans');

/** Statements within `work` make no spans: for polls, of which an hour of work has thousands. */
export function withoutSpans<T>(work: () => T): T {
  return context.with(context.active().setValue(silent, true), work);
}

/** Longer statements are cut: a catalogue query says enough in its beginning. */
const longestQueryText = 2000;

/** Runs `send` in a span for one statement on a target. Parameter values are never recorded. */
export function inStatementSpan<T>(endpoint: Endpoint, sql: string, send: () => Promise<T>): Promise<T> {
  if (context.active().getValue(silent) === true) return send();
  const text = sql.trim();
  const operation = /^\w+/.exec(text)?.[0]?.toUpperCase() ?? 'STATEMENT';
  const attributes = {
    [ATTR_DB_SYSTEM_NAME]: DB_SYSTEM_NAME_VALUE_POSTGRESQL,
    [ATTR_DB_NAMESPACE]: endpoint.database,
    [ATTR_DB_OPERATION_NAME]: operation,
    [ATTR_DB_QUERY_TEXT]: text.slice(0, longestQueryText),
    [ATTR_SERVER_ADDRESS]: endpoint.host,
    [ATTR_SERVER_PORT]: endpoint.port,
  };
  const tracer = trace.getTracer('@slacktide/targets');
  return tracer.startActiveSpan(operation, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    try {
      return await send();
    } catch (error) {
      if (error instanceof TargetError) {
        span.setAttribute(ATTR_ERROR_TYPE, error.code);
        if (error.sqlState !== null) span.setAttribute(ATTR_DB_RESPONSE_STATUS_CODE, error.sqlState);
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      }
      throw error;
    } finally {
      span.end();
    }
  });
}

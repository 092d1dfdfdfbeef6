import { trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Passwords in URLs and our API keys, wherever they stand in a line. */
const secretPatterns: readonly [RegExp, string][] = [
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"']*):[^\s@"']+@/gi, '$1:[redacted]@'],
  [/\bslk_([A-Za-z0-9]+)_[A-Za-z0-9_-]+/g, 'slk_$1_[redacted]'],
];

/** Removes secrets from a text that leaves the process. */
export function redactSecrets(text: string): string {
  return secretPatterns.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}

/**
 * JSON lines on stdout with the active trace's ids. Fields that hold secrets by name are removed; URLs with passwords and
 * API keys are masked in the finished line, so that an error message of a driver cannot leak one either.
 */
export function createLogger(options: { service: string; level: string; destination?: DestinationStream }): Logger {
  const settings = {
    name: options.service,
    level: options.level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        'password',
        'secret',
        'authorization',
        'connectionString',
        '*.password',
        '*.secret',
        '*.authorization',
        '*.connectionString',
        'headers.authorization',
        '*.headers.authorization',
        'headers.cookie',
      ],
      censor: '[redacted]',
    },
    mixin: traceFields,
    hooks: { streamWrite: redactSecrets },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

function traceFields(): Record<string, string> {
  const context = trace.getActiveSpan()?.spanContext();
  return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
}

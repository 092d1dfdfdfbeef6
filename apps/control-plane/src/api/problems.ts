import { AppError } from '@slacktide/application';
import { type ErrorCode, httpStatus, problem, problemMediaType } from '@slacktide/contract';
import type { Logger } from '@slacktide/telemetry';
import type { Context } from 'hono';
import { traceOf } from './trace-of.ts';

const extraHeaders: Partial<Record<ErrorCode, Record<string, string>>> = {
  unauthenticated: { 'www-authenticate': 'Bearer realm="slacktide"' },
  no_worker: { 'retry-after': '5' },
  ledger_unavailable: { 'retry-after': '5' },
  request_in_flight: { 'retry-after': '1' },
};

/** Answers any error; what nobody foresaw is logged and told as `internal_error`, without its message. */
export function answerError(error: unknown, c: Context, logger: Logger): Response {
  if (error instanceof AppError) return answerProblem(c, error);
  if (isHangUp(error)) return answerProblem(c, new AppError('malformed_request', 'The body ended too early'));
  const { method, path } = c.req;
  logger.error({ err: error, method, path, trace_id: traceOf(c).traceId }, 'request failed unexpectedly');
  return answerProblem(c, new AppError('internal_error', 'Something went wrong; the trace_id finds it in the log'));
}

/** Answers problem+json (RFC 9457). `headers` win over those that go with the code. */
export function answerProblem(
  c: Context,
  { code, message, problems }: AppError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { traceId } = traceOf(c);
  const document = problem(code, { detail: message, instance: c.req.path, traceId, errors: problems });
  return c.newResponse(JSON.stringify(document), httpStatus[code], {
    'content-type': problemMediaType,
    ...extraHeaders[code],
    ...headers,
  });
}

/** The caller went away in the middle of its body: Node's words for it. */
function isHangUp(error: unknown): boolean {
  return error instanceof Error && error.message === 'aborted' && 'code' in error && error.code === 'ECONNRESET';
}

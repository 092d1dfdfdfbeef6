import { z } from 'zod';
import { type ErrorCode, errorCodes, problemTypeBase } from './error-code.ts';

/** Media type of a problem document (RFC 9457). */
export const problemMediaType = 'application/problem+json';

/** One thing wrong with a request. */
export const FieldProblem = z
  .strictObject({
    pointer: z
      .string()
      .describe('RFC 6901 JSON pointer into the body, or `?name` for a query parameter; empty = the whole body'),
    code: z.string(),
    detail: z.string(),
  })
  .readonly()
  .meta({
    id: 'FieldProblem',
    description: 'One thing wrong with a request',
    example: {
      pointer: '/cron_expression',
      code: 'impossible_date',
      detail: '0 3 31 2 * never comes: February has no 31st',
    },
  });
export type FieldProblem = z.infer<typeof FieldProblem>;

const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

/** What every answer of 4xx and 5xx carries (RFC 9457). */
export const Problem = z
  .strictObject({
    type: z.url().describe('Stable URI of the kind of problem'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().describe('What went wrong this time, and what would have been right'),
    instance: z.string().describe('Path of the request'),
    code: z.enum(codes),
    errors: z.array(FieldProblem),
    trace_id: z.string(),
  })
  .meta({
    id: 'Problem',
    description: 'Problem document (RFC 9457)',
    example: {
      type: `${problemTypeBase}invalid_request`,
      title: errorCodes.invalid_request.title,
      status: 422,
      detail: 'cron_expression: H is not supported, name the minute',
      instance: '/api/v1/maintenance/schedules',
      code: 'invalid_request',
      errors: [
        { pointer: '/cron_expression', code: 'hash_not_supported', detail: 'H is not supported, name the minute' },
      ],
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    },
  });
export type Problem = z.infer<typeof Problem>;

/** The problem document of an error: `type`, `title` and `status` follow from the code. */
export function problem(
  code: ErrorCode,
  about: { detail: string; instance: string; traceId: string; errors?: readonly FieldProblem[] },
): Problem {
  const { status, title } = errorCodes[code];
  return {
    type: `${problemTypeBase}${code}`,
    title,
    status,
    detail: about.detail,
    instance: about.instance,
    code,
    errors: [...(about.errors ?? [])],
    trace_id: about.traceId,
  };
}

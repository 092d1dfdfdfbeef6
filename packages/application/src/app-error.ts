import type { ErrorCode, FieldProblem } from '@slacktide/contract';

export type { ErrorCode, FieldProblem } from '@slacktide/contract';

/** A fault with a stable code and a message that is safe to show. The cause stays inside. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly FieldProblem[];

  constructor(
    code: ErrorCode,
    publicMessage: string,
    options: { problems?: readonly FieldProblem[]; cause?: unknown } = {},
  ) {
    super(publicMessage, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.problems = options.problems ?? [];
  }
}

/** An `invalid_request` about one field. */
export function invalid(pointer: string, code: string, detail: string): AppError {
  return new AppError('invalid_request', detail, { problems: [{ pointer, code, detail }] });
}

/** Stable codes of everything a caller can get wrong, or that keeps a request from being served, with what HTTP says for each. */
export const errorCodes = {
  malformed_request: { status: 400, title: 'The request cannot be read' },
  unauthenticated: { status: 401, title: 'An API key is needed' },
  forbidden: { status: 403, title: 'The API key may not do this' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'This cannot be done to it' },
  conflict: { status: 409, title: 'The present state does not allow this' },
  request_in_flight: { status: 409, title: 'The same request is being served' },
  precondition_failed: { status: 412, title: 'It was changed by somebody else' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not supported' },
  invalid_request: { status: 422, title: 'The request is not valid' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used for another request' },
  target_unreachable: { status: 422, title: 'The target cannot be reached' },
  precondition_required: { status: 428, title: 'If-Match is needed' },
  internal_error: { status: 500, title: 'Something went wrong' },
  no_worker: { status: 503, title: 'No worker answered' },
  queues_unavailable: { status: 503, title: 'The queues cannot be read' },
  ledger_unavailable: { status: 503, title: 'The ledger cannot be reached' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorCodes;

/** HTTP status of every error code; a code without one is a type error. */
export type ErrorStatus = (typeof errorCodes)[ErrorCode]['status'];
export const httpStatus = Object.fromEntries(
  Object.entries(errorCodes).map(([code, { status }]) => [code, status]),
) as Record<ErrorCode, ErrorStatus>;

/** Where a problem's `type` URI points: this, then the error code. */
export const problemTypeBase = 'https://slacktide.dev/problems/';

import { createHash } from 'node:crypto';
import { AppError } from '@slacktide/application';
import type { IdempotencyClaim } from '@slacktide/application/ports';

/**
 * The version named by `If-Match: "7"`, also by `W/"7"` (proxies that compress weaken an ETag); null for `*`.
 * @throws AppError `precondition_required` | `precondition_failed`
 */
export function expectedVersion(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined) {
    throw new AppError('precondition_required', 'Send If-Match with the ETag of the version you have seen');
  }
  if (ifMatch.trim() === '*') return null;
  const version = /^(?:W\/)?"(\d{1,9})"$/.exec(ifMatch.trim())?.[1];
  // Anything else can be no version of ours, so it cannot be the present one.
  if (version === undefined) {
    throw new AppError('precondition_failed', 'If-Match names no version: expected a quoted number such as "3", or *');
  }
  return Number(version);
}

/** The claim that an `Idempotency-Key` makes; undefined without one. @throws AppError `malformed_request` */
export function idempotencyClaim(
  key: string | undefined,
  request: { readonly principal: string; readonly route: string; readonly url: string; readonly body: string },
): IdempotencyClaim | undefined {
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new AppError(
      'malformed_request',
      'Idempotency-Key: expected 1 to 255 printable ASCII characters without spaces',
    );
  }
  const requestHash = createHash('sha256').update(`${request.url}\n${request.body}`).digest('hex');
  return { key, principal: request.principal, route: request.route, requestHash };
}

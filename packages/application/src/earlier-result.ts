import type { Json } from '@slacktide/domain';
import type { Ledger, RequestContext } from './ports/index.ts';

/**
 * The result of an earlier request with the same idempotency key, if there is one. For verbs that ask a worker before
 * they write: a repeat must give the first result even when the target is no longer reachable.
 * @throws AppError `idempotency_key_reused` | `request_in_flight`
 */
export async function earlierResult<T extends Json>(
  ledger: Pick<Ledger, 'transaction'>,
  ctx: RequestContext,
): Promise<T | undefined> {
  if (ctx.idempotency === undefined) return undefined;
  // The ledger runs this work only when it has no result yet; then nothing is written.
  const firstTime = new Error('no earlier result');
  try {
    return await ledger.transaction<T>(ctx, () => Promise.reject(firstTime));
  } catch (error) {
    if (error === firstTime) return undefined;
    throw error;
  }
}

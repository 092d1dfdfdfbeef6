import type { JsonObject } from '@slacktide/domain';
import type { Blocker } from '@slacktide/targets';

/** Who is in the way, in the form of a result. */
export function blockerJson(blocker: Blocker): JsonObject {
  return {
    why: blocker.why,
    pid: blocker.pid,
    user: blocker.user,
    application_name: blocker.applicationName,
    backend_type: blocker.backendType,
    state: blocker.state,
    transaction_age_seconds: blocker.transactionAgeSeconds,
    detail: blocker.detail,
    query: blocker.query,
    prepared_transaction: blocker.preparedTransaction,
  };
}

/** Who is in the way, for a person. */
export function blockerWords(blocker: Blocker): string {
  if (blocker.preparedTransaction !== null) return `prepared transaction ${blocker.preparedTransaction}`;
  const application = blocker.applicationName ? ` (${blocker.applicationName})` : '';
  return `pid ${blocker.pid} of ${blocker.user ?? 'an unknown user'}${application}: ${blocker.detail}`;
}

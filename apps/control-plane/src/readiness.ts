import type { ProbeAnswer } from '@slacktide/application';
import type { HealthStore } from '@slacktide/application/ports';
import { redisMayEvict } from '@slacktide/dispatch';

/**
 * Ready = the ledger answers and Redis, when it answers, keeps what it is given. A Redis that is away does not count: the API
 * goes on accepting work, which the relay brings over later (law 1). Of Redis, what the probe in the background said last is told, so that
 * no request waits for it.
 */
export function readinessCheck(deps: {
  readonly healthStore: Pick<HealthStore, 'ping'>;
  readonly redis: () => ProbeAnswer | undefined;
}): () => Promise<{ ready: boolean; reasons: readonly string[] }> {
  return async () => {
    const ledger = await deps.healthStore.ping().then(
      () => undefined,
      () => 'the ledger does not answer',
    );
    const redis = deps.redis();
    const reasons = [ledger, redis?.code === redisMayEvict ? redis.message : undefined].filter(
      (reason) => reason !== undefined,
    );
    return { ready: reasons.length === 0, reasons };
  };
}

import type { Probe } from '@slacktide/application';
import type { HealthStore } from '@slacktide/application/ports';

/**
 * Ready = the ledger answers and Redis, when it answers, keeps what it is given. A Redis that is away does not count: the API
 * goes on accepting work, which the relay brings over later (law 1).
 */
export function readinessCheck(deps: {
  readonly healthStore: Pick<HealthStore, 'ping'>;
  readonly redisProbe: Probe;
}): () => Promise<{ ready: boolean; reasons: readonly string[] }> {
  return async () => {
    const [ledger, redis] = await Promise.all([
      deps.healthStore.ping().then(
        () => undefined,
        () => 'the ledger does not answer',
      ),
      deps.redisProbe().then(({ message }) => (message.startsWith('maxmemory-policy') ? message : undefined)),
    ]);
    const reasons = [ledger, redis].filter((reason) => reason !== undefined);
    return { ready: reasons.length === 0, reasons };
  };
}

import { setTimeout } from 'node:timers/promises';
import type { Probe } from '@slacktide/application';
import type { HealthStore } from '@slacktide/application/ports';
import { redisMayEvict } from '@slacktide/dispatch';

/** Longer than a Redis that is there takes; shorter than the patience of whoever asks whether we are ready. */
const redisLimitMs = 500;

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
      Promise.race([deps.redisProbe(), setTimeout(redisLimitMs, undefined, { ref: false })]),
    ]);
    const reasons = [ledger, redis?.code === redisMayEvict ? redis.message : undefined].filter(
      (reason) => reason !== undefined,
    );
    return { ready: reasons.length === 0, reasons };
  };
}

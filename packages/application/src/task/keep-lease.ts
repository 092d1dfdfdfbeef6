import type { ClaimedTask, LeaseRequest, TargetLeases, TaskExecutions } from '../ports/index.ts';
import type { LeaseTimes } from './lease-times.ts';
import type { AbortReason } from './task-abort.ts';

export interface LeaseKeeper {
  /** Stops renewing; resolves when the renewal in flight is over. */
  stop(): Promise<void>;
}

/**
 * Renews a lease every third of its life, on the main loop on purpose: a loop that hangs must not look alive.
 *
 *   ledger says lost, rejects, or does not answer in time → `abort('lease_lost')` (law 6)
 *   ledger says cancel requested                          → `abort('cancelled')`
 *   Redis says somebody else holds it                     → `abort('lease_lost')`
 *   Redis is away                                         → go on: the ledger's lease and the target's advisory lock still exclude others
 */
export function keepLease(options: {
  readonly executions: Pick<TaskExecutions, 'renew'>;
  readonly leases: Pick<TargetLeases, 'renew'>;
  readonly claimed: ClaimedTask;
  readonly lease: LeaseRequest;
  readonly times: LeaseTimes;
  readonly abort: (reason: AbortReason) => void;
}): LeaseKeeper {
  const { executions, leases, claimed, lease, times, abort } = options;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let inFlight: Promise<void> = Promise.resolve();

  const renewOnce = async (): Promise<void> => {
    const renewal = await withinTime(executions.renew(claimed, times.lifeMs), times.renewTimeoutMs).catch(
      () => undefined,
    );
    if (stopped) return;
    if (renewal?.kind !== 'held') return abort('lease_lost');
    if (renewal.cancelRequested) return abort('cancelled');
    const inRedis = await withinTime(leases.renew(lease), times.renewTimeoutMs).catch(() => 'held' as const);
    if (!stopped && inRedis === 'lost') abort('lease_lost');
  };
  const arm = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      inFlight = renewOnce().finally(arm);
    }, times.renewEveryMs);
  };
  arm();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await inFlight;
    },
  };
}

/** Rejects when `work` takes longer than `limitMs`. */
async function withinTime<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

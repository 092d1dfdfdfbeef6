import { failpoint } from '../failpoint/index.ts';
import type { ClaimedTask, LeaseRequest, TargetLeases, TaskExecutions } from '../ports/index.ts';
import { withinMs } from './bounded.ts';
import type { LeaseTimes } from './lease-times.ts';
import { type AbortReason, TaskAbort } from './task-abort.ts';

export interface LeaseKeeper {
  /**
   * Asked before each statement that acts: a process that stood still (stopped, swapped out) comes back to life with its answers waiting and
   * its lease long gone. Aborts and throws when the last proof is older than the life.
   * @throws TaskAbort `lease_lost`
   */
  assertHeld(): void;
  /** Stops renewing; resolves when the renewal in flight is over. */
  stop(): Promise<void>;
}

/**
 * Renews a lease every third of its life, on the main loop on purpose: a loop that hangs must not look alive.
 *
 *   ledger says lost, rejects, or does not answer in time → `abort('lease_lost')` (law 6)
 *   ledger says cancel requested                          → `abort('cancelled')`
 *   Redis says somebody else holds it                     → `abort('lease_lost')`
 *   Redis is away, or slow                                → go on: the ledger's lease and the target's advisory lock still exclude others
 *
 * Times run from the sending of a renewal, by the monotonic clock: whatever the ledger granted, it granted it later.
 */
export function keepLease(options: {
  readonly executions: Pick<TaskExecutions, 'renew'>;
  readonly leases: Pick<TargetLeases, 'renew'>;
  readonly claimed: ClaimedTask;
  readonly lease: LeaseRequest;
  readonly times: LeaseTimes;
  readonly abort: (reason: AbortReason) => void;
  /** `performance.now()` when the claim was sent. Default: now. */
  readonly provenAtMs?: number;
}): LeaseKeeper {
  const { executions, leases, claimed, lease, times, abort } = options;
  let provenAtMs = options.provenAtMs ?? performance.now();
  let stopped = false;
  let lost = false;
  let timer: NodeJS.Timeout | undefined;
  let inFlight: Promise<unknown> = Promise.resolve();

  const renewInLedger = async (): Promise<void> => {
    await failpoint('renewal.before');
    const sentAtMs = performance.now();
    const renewal = await withinMs(times.renewTimeoutMs, executions.renew(claimed, times.lifeMs)).catch(
      () => undefined,
    );
    if (stopped) return;
    lost = renewal?.kind !== 'held';
    if (renewal?.kind !== 'held') return abort('lease_lost');
    provenAtMs = sentAtMs;
    if (renewal.cancelRequested) abort('cancelled');
  };
  const renewInRedis = async (): Promise<void> => {
    const answer = await withinMs(times.renewTimeoutMs, leases.renew(lease)).catch(() => 'held' as const);
    if (!stopped && answer === 'lost') abort('lease_lost');
  };
  const arm = (afterMs: number): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      inFlight = Promise.all([renewInLedger(), lost ? undefined : renewInRedis()]);
      arm(times.renewEveryMs);
    }, afterMs);
  };
  arm(Math.max(0, provenAtMs + times.renewEveryMs - performance.now()));
  return {
    assertHeld() {
      if (performance.now() - provenAtMs < times.lifeMs) return;
      abort('lease_lost');
      throw new TaskAbort('lease_lost');
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await inFlight;
    },
  };
}

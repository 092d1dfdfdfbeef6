import { DispatchAway } from '../ports/index.ts';
import { TimerComparison } from './compare-timers.ts';
import { endJobs } from './end-jobs.ts';
import { FlowComparison } from './rebuild-flows.ts';
import type { HasMore, ReconcileDeps } from './reconcile-deps.ts';
import { removeStrays } from './remove-strays.ts';

/** Schedules fired in one pass. */
const firedInPass = 1_000;

/** What a pass came to. */
export type ReconcilePass =
  | {
      readonly kind: 'led';
      /** A part was cut short by its bound after it had found something: the next pass should begin at once. */
      readonly hasMore: boolean;
      /** Redis was away: only what needs none was looked at. */
      readonly isRedisAway: boolean;
    }
  /** Another process is at it. */
  | { readonly kind: 'led_elsewhere' };

export interface Reconciler {
  pass(): Promise<ReconcilePass>;
}

/**
 * Compares the ledger with Redis and mends Redis, so that Redis may be emptied at any moment (law 1). Any number of processes may run passes: each pass
 * has one leader, by a lock in the ledger. What needs no Redis comes first, and no part keeps the others from their turn.
 */
export function createReconciler(deps: ReconcileDeps): Reconciler {
  const timers = new TimerComparison(deps);
  const flows = new FlowComparison(deps);

  const withoutRedis: readonly Part[] = [
    ['end jobs', () => endJobs(deps)],
    ['fire overdue schedules', () => fireOverdue(deps)],
  ];
  const withRedis: readonly Part[] = [
    ['compare timers', () => timers.compare()],
    ['compare flows', () => flows.compare()],
    ['remove strays', () => removeStrays(deps)],
    ['wake queues', () => wakeQueues(deps)],
  ];

  const lead = async (): Promise<ReconcilePass> => {
    const first = await runParts(deps, withoutRedis);
    const second = await runParts(deps, withRedis);
    return { kind: 'led', hasMore: first.hasMore || second.hasMore, isRedisAway: second.isRedisAway };
  };
  return {
    async pass() {
      const led = await deps.reconciliation.exclusively('reconcile', lead);
      return led.kind === 'led' ? led.result : led;
    },
  };
}

type Part = readonly [what: string, run: () => Promise<unknown>];

/** Runs each part; one that fails is told and left, the rest have their turn, but none after Redis was found to be away. */
async function runParts(deps: Pick<ReconcileDeps, 'onError'>, parts: readonly Part[]) {
  let hasMore = false;
  for (const [what, run] of parts) {
    try {
      hasMore = (await run()) === true || hasMore;
    } catch (error) {
      if (error instanceof DispatchAway) return { hasMore, isRedisAway: true };
      deps.onError(error, what);
    }
  }
  return { hasMore, isRedisAway: false };
}

async function fireOverdue(deps: Pick<ReconcileDeps, 'fireOverdue' | 'onRepair'>): Promise<HasMore> {
  const ids = await deps.fireOverdue(firedInPass);
  if (ids.length > 0) deps.onRepair({ kind: 'schedule_fired', ids });
  return ids.length === firedInPass;
}

async function wakeQueues(deps: Pick<ReconcileDeps, 'repairs' | 'onRepair'>): Promise<void> {
  const ids = await deps.repairs.wakeQueues();
  if (ids.length > 0) deps.onRepair({ kind: 'queue_woken', ids });
}

import { failpoint } from '../failpoint/index.ts';
import type { ClaimResult } from '../ports/index.ts';
import { runClaimed } from './run-claimed.ts';
import type { RunTaskDeps } from './run-task-deps.ts';

/** What BullMQ is told: over, or deliver again in a while. Failure of the task is `done`: the ledger has it (law 5). */
export type Delivery = { readonly kind: 'done' } | { readonly kind: 'later'; readonly delayMs: number };

/** About how long a task that cannot start now waits before it is delivered again, in milliseconds. */
const pausesMs: Record<Extract<ClaimResult, { kind: 'not_yet' }>['reason'], number> = {
  needs_open: 250,
  running_elsewhere: 1_000,
  target_busy: 1_000,
  queued: 1_000,
  // Another worker's clock may be right; ours takes a while to be put right.
  clock_skew: 5_000,
  // A person has to come.
  needs_operator: 10_000,
};

/** A task that waits for others asks less often after a while: hundreds behind one target would keep the ledger busy with asking. Not much less, or new ones would always be faster. */
const longestPauseMs = 3_000;

function pauseMs(reason: keyof typeof pausesMs, deliveries: number): number {
  const isBehindOthers = reason === 'target_busy' || reason === 'queued';
  return isBehindOthers ? Math.min(Math.max(pausesMs[reason], deliveries * 100), longestPauseMs) : pausesMs[reason];
}

/**
 * Runs one task in the order of law 6: claim in the ledger → lease in Redis → session with the target's advisory lock →
 * the gate again → intent → act → verify → outcome under the fence.
 *
 * @throws when ledger or Redis are away: infrastructure, BullMQ delivers again with back-off. What may have been begun on the target stays
 * RUNNING in the ledger, for recovery to find out.
 */
export async function runTask(
  deps: RunTaskDeps,
  delivery: {
    taskId: string;
    generation: number;
    type: string;
    signal: AbortSignal;
    /** How often it was delivered, this time included. Default 1. */
    deliveries?: number;
  },
): Promise<Delivery> {
  const executor = deps.executorOf(delivery.type);
  if (executor === undefined)
    throw new Error(`no executor for ${delivery.type}: this worker must not consume its queue`);
  const { taskId, generation, signal } = delivery;
  await failpoint('claim.before');
  const claimSentAtMs = performance.now();
  const claim = await deps.executions.claim({
    taskId,
    generation,
    workerId: deps.workerId,
    access: executor.taskType.access,
    leaseLifeMs: deps.times.lifeMs,
    workerNow: new Date(),
  });
  switch (claim.kind) {
    case 'over':
    case 'skipped':
      return { kind: 'done' };
    case 'not_yet':
      return later(deps, pauseMs(claim.reason, delivery.deliveries ?? 1));
    case 'claimed': {
      await failpoint('claim.after');
      const end = await runClaimed(deps, { executor, claimed: claim.claimed, claimSentAtMs, signal });
      return end.kind === 'over' ? { kind: 'done' } : later(deps, end.aboutMs);
    }
  }
}

function later(deps: RunTaskDeps, aboutMs: number): Delivery {
  return { kind: 'later', delayMs: Math.round(aboutMs * (0.75 + deps.random() / 2)) };
}

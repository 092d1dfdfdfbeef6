import type { Job, Task } from './job.ts';
import type { SkipReason, TaskState } from './states.ts';
import { isTerminal } from './states.ts';
import { isWithinWindow } from './window.ts';

export interface ClaimFacts {
  readonly job: Pick<Job, 'state' | 'generation' | 'halted' | 'cancelRequestedAt' | 'window'>;
  readonly task: Pick<Task, 'state' | 'reason' | 'timeLimitSeconds'>;
  /** Generation of the delivery that asks. */
  readonly generation: number;
  /** States of the tasks this one needs. */
  readonly needs: readonly TaskState[];
  /** True when another task holds the target in a way that keeps this one out. */
  readonly targetBusy: boolean;
  /** How long the task has been able to start: since its job was made, or the last need or predecessor that ran was over; milliseconds. */
  readonly waitedMs: number;
  /** True while the job that this one waits for (overlap policy `queue`) is not over. */
  readonly queued: boolean;
  /** The worker's clock minus the ledger's, in milliseconds. */
  readonly clockSkewMs: number;
  /** By the ledger's clock. */
  readonly now: Date;
}

export type ClaimDecision =
  | { readonly kind: 'claim' }
  /** Nothing to do for this delivery. */
  | { readonly kind: 'over' }
  /** The task ends here, SKIPPED. */
  | { readonly kind: 'skip'; readonly reason: SkipReason }
  /** Deliver it again later. */
  | { readonly kind: 'not_yet'; readonly reason: NotYetReason };

/** Why a task cannot start now, but may later. */
export type NotYetReason =
  | 'running_elsewhere'
  | 'needs_open'
  | 'target_busy'
  | 'queued'
  | 'clock_skew'
  | 'needs_operator';

/** A worker whose clock is further off the ledger's takes no work: it cannot judge how long it may still act. */
export const longestClockSkewMs = 2_000;

/** A task waits for a busy target for at least this long, in seconds: an hour. */
export const shortestTargetWaitSeconds = 3_600;

/**
 * How long a task waits for a busy target before it is SKIPPED (`target_busy`), so that every request ends: as long as it might run itself,
 * at least an hour. A window that closes earlier ends the wait as `outside_window`.
 */
export function longestTargetWaitMs(task: Pick<Task, 'timeLimitSeconds'>): number {
  return Math.max(shortestTargetWaitSeconds, task.timeLimitSeconds) * 1000;
}

/** Why a claimed task went back to PENDING: others held its target, in Redis or on the target itself. */
export const busyReleases: readonly string[] = ['target_leased', 'target_locked'];

/**
 * Decides whether a worker may start a task (law 5).
 *
 * What ends a task comes before what makes it wait: a skip does not touch the target, so no order between tasks can be
 * broken by it, and neither cancel, halt nor a window that has closed on the job is ever taken back. A halted flow
 * therefore drains at once, even while a task needed by the rest is still running; the job itself ends only when that one is over.
 */
export function decideClaim(facts: ClaimFacts): ClaimDecision {
  const { job, task, needs, now } = facts;
  if (isTerminal(task.state) || isTerminal(job.state)) return { kind: 'over' };
  if (facts.generation !== job.generation) return { kind: 'over' };
  if (task.state === 'RUNNING') return { kind: 'not_yet', reason: 'running_elsewhere' };
  // Nobody knows what became of it: not even a cancel ends that.
  if (task.state === 'NEEDS_OPERATOR') return { kind: 'not_yet', reason: 'needs_operator' };
  if (job.cancelRequestedAt !== null) return { kind: 'skip', reason: 'cancelled' };
  if (job.halted) return { kind: 'skip', reason: 'halted' };
  if (!isWithinWindow(job.window, now)) return { kind: 'skip', reason: 'outside_window' };
  if (job.state === 'NEEDS_OPERATOR') return { kind: 'not_yet', reason: 'needs_operator' };
  if (Math.abs(facts.clockSkewMs) > longestClockSkewMs) return { kind: 'not_yet', reason: 'clock_skew' };
  if (facts.queued) return { kind: 'not_yet', reason: 'queued' };
  if (!needs.every(isTerminal)) return { kind: 'not_yet', reason: 'needs_open' };
  // One that was let in only to find the target held by somebody the ledger does not know of must not be let in for ever.
  const wasBusy = task.reason !== null && busyReleases.includes(task.reason);
  if ((facts.targetBusy || wasBusy) && facts.waitedMs > longestTargetWaitMs(task)) {
    return { kind: 'skip', reason: 'target_busy' };
  }
  if (facts.targetBusy) return { kind: 'not_yet', reason: 'target_busy' };
  return { kind: 'claim' };
}

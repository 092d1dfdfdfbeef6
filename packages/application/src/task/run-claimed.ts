import { failpoint } from '../failpoint/index.ts';
import type { ClaimedTask, Executor, LeaseRequest } from '../ports/index.ts';
import { actOnTarget, type LeasedRun } from './act-on-target.ts';
import { keepLease } from './keep-lease.ts';
import { persistently } from './persistently.ts';
import type { RunTaskDeps } from './run-task-deps.ts';
import { StuckGuard } from './stuck-guard.ts';
import { type AbortReason, abortReasonOf, TaskAbort } from './task-abort.ts';

/** setTimeout takes no more. */
const longestTimerMs = 2_147_483_647;

export interface ClaimedRun {
  readonly executor: Executor;
  readonly claimed: ClaimedTask;
  /** `performance.now()` before the claim was sent: the lease runs out no earlier than its life after that. */
  readonly claimSentAtMs: number;
  /** The delivery's. */
  readonly signal: AbortSignal;
}

export type ClaimedEnd = { readonly kind: 'over' } | { readonly kind: 'later'; readonly aboutMs: number };

/** Runs a claimed task with its lease renewed, its time limit ticking and its stop button known. @throws as runTask */
export async function runClaimed(deps: RunTaskDeps, run: ClaimedRun): Promise<ClaimedEnd> {
  const { claimed, executor } = run;
  const lease = leaseOf(claimed, deps);
  const guard = new StuckGuard(deps.times, deps.exit);
  const controller = deps.running.add(claimed.job.id);
  const abort = (reason: AbortReason): void => {
    controller.abort(new TaskAbort(reason));
    guard.told(reason);
  };
  const { signal } = controller;
  signal.addEventListener('abort', () => guard.told(abortReasonOf(signal) ?? 'cancelled'), { once: true });
  const unheard = hear(run.signal, abort);
  const keeper = keepLease({ ...deps, claimed, lease, abort, provenAtMs: run.claimSentAtMs });
  const endsAtMs = run.claimSentAtMs + Math.min(claimed.task.timeLimitSeconds * 1000, longestTimerMs);
  const limit = setTimeout(() => abort('time_limit'), endsAtMs - performance.now());
  const leased: LeasedRun = { executor, claimed, keeper, guard, signal, progress: { intentRecorded: false } };
  try {
    const acquired = await deps.leases.acquire(lease);
    if (acquired.kind === 'busy') {
      await deps.executions.release(claimed, 'target_leased');
      return { kind: 'later', aboutMs: 1_000 };
    }
    await failpoint('lease.acquired');
    return await actUnderLease(deps, leased, endsAtMs, abort);
  } catch (error) {
    // Infrastructure failed. Before the intent nothing was done on the target, so the task goes back; after it the outcome is for recovery to find out.
    if (!leased.progress.intentRecorded)
      await deps.executions.release(claimed, 'infrastructure').catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(limit);
    unheard();
    await keeper.stop();
    deps.running.remove(controller);
    await deps.leases.release(lease).catch(() => undefined); // it expires by itself
  }
}

async function actUnderLease(
  deps: RunTaskDeps,
  run: LeasedRun,
  endsAtMs: number,
  abort: (reason: AbortReason) => void,
): Promise<ClaimedEnd> {
  const { claimed } = run;
  const { executions, times } = deps;
  const started = performance.now();
  const gate = await executions.gate(claimed);
  const ended =
    gate.kind === 'closed'
      ? ({ kind: 'ended', outcome: { kind: 'skipped', reason: gate.reason, result: null }, steps: [] } as const)
      : await untilClosed(gate.closesInMs, abort, () =>
          actOnTarget(deps, run, {
            closesInMs: gate.closesInMs,
            timeLeftMs: Math.max(0, endsAtMs - performance.now()),
          }),
        );
  if (ended.kind === 'hand_back') {
    await persistently(() => executions.release(claimed, ended.reason), times.outcomeLimitMs);
    return { kind: 'later', aboutMs: 2_000 };
  }
  const { outcome, steps } = ended;
  await failpoint('outcome.before');
  // What is known must not be lost to an absence of the ledger.
  const written = await persistently(() => executions.finish(claimed, outcome, steps), times.outcomeLimitMs);
  await failpoint('outcome.after');
  if (written) deps.onFinished?.(claimed, outcome, performance.now() - started);
  return { kind: 'over' };
}

/** Stops `work` when the window closes: a statement may begin long after the limit of its session was set by it. */
async function untilClosed<T>(
  closesInMs: number | null,
  abort: (reason: AbortReason) => void,
  work: () => Promise<T>,
): Promise<T> {
  if (closesInMs === null) return await work();
  const closing = setTimeout(() => abort('window_closed'), Math.min(closesInMs, longestTimerMs));
  try {
    return await work();
  } finally {
    clearTimeout(closing);
  }
}

/** Passes the delivery's abort on. */
function hear(delivered: AbortSignal, abort: (reason: AbortReason) => void): () => void {
  const pass = (): void => {
    const reason = abortReasonOf(delivered);
    if (reason !== undefined) abort(reason);
  };
  pass();
  delivered.addEventListener('abort', pass, { once: true });
  return () => delivered.removeEventListener('abort', pass);
}

function leaseOf(claimed: ClaimedTask, { times }: RunTaskDeps): LeaseRequest {
  return {
    targetId: claimed.target.id,
    access: claimed.access,
    holder: claimed.task.id,
    fence: claimed.fence,
    lifeMs: times.lifeMs,
  };
}

import { failpoint } from '../failpoint/index.ts';
import type { Executor, TakenOver } from '../ports/index.ts';
import { keepLease, StuckGuard, TaskAbort } from '../task/index.ts';
import { persistently } from '../task/persistently.ts';
import { sweptResult } from '../task/sweep-remnants.ts';
import type { Finding } from './finding.ts';
import { lookAtTarget } from './look-at-target.ts';
import type { RecoverDeps, Recovered } from './recover-deps.ts';
import { recoveryOutcome, type Settlement } from './recovery-outcome.ts';
import { patienceOf, pauseMs } from './recovery-times.ts';

/**
 * Recovers one task that was taken over: finds out what became of the work, and writes what follows under the take-over's fence. The lease is kept
 * meanwhile, in the ledger alone: recovery needs no Redis.
 * @throws when the ledger is away: the lease runs out, and somebody else takes the task over
 */
export async function recoverTask(
  deps: RecoverDeps,
  executor: Executor,
  taken: TakenOver,
  options: { readonly stopping: AbortSignal; readonly takenAtMs: number },
): Promise<Recovered> {
  const { stopping } = options;
  await failpoint('recovery.taken_over');
  const controller = new AbortController();
  const signal = AbortSignal.any([controller.signal, stopping]);
  const guard = new StuckGuard(deps.times, deps.exit);
  const onStopping = (): void => guard.told('draining');
  stopping.addEventListener('abort', onStopping, { once: true });
  const keeper = keepLease({
    executions: deps.executions,
    leases: { renew: async () => 'held' },
    claimed: taken,
    lease: { targetId: taken.target.id, access: taken.access, holder: taken.task.id, fence: taken.fence, lifeMs: 0 },
    times: deps.times,
    provenAtMs: options.takenAtMs,
    abort: (reason) => {
      // A cancel of the job is no reason to leave its task unrecovered.
      if (reason !== 'lease_lost') return;
      controller.abort(new TaskAbort(reason));
      guard.told(reason);
    },
  });
  try {
    const finding = await guard.during(() => lookAtTarget({ deps, executor, taken, keeper, signal }));
    const written = await persistently(() => write(deps, taken, finding), deps.times.renewTimeoutMs);
    return written ? finding.decision.kind : 'lost';
  } catch (error) {
    if (error instanceof TaskAbort || controller.signal.aborted) return 'lost';
    if (!stopping.aborted) throw error;
    await deps.recoveries.postpone(taken, 'worker_draining', 0);
    return 'stopped';
  } finally {
    stopping.removeEventListener('abort', onStopping);
    await keeper.stop();
  }
}

async function write(deps: RecoverDeps, taken: TakenOver, finding: Finding): Promise<boolean> {
  const { decision } = finding;
  if (decision.kind === 'wait') {
    const reason = finding.problem?.code ?? 'session_still_running';
    return await deps.recoveries.postpone(taken, reason, pauseMs(taken.expiredForMs, patienceOf(deps)));
  }
  if (decision.kind === 'redrive') {
    await failpoint('recovery.before_redrive');
    const redriven = await deps.recoveries.redrive(taken, 'worker_lost', finding.swept && sweptResult(finding.swept));
    await failpoint('recovery.after_redrive');
    return redriven;
  }
  const { outcome, steps } = recoveryOutcome(
    taken,
    { ...finding, decision: decision satisfies Settlement },
    new Date(),
  );
  await failpoint('recovery.before_settle');
  const settled = await deps.recoveries.settle(taken, outcome, steps);
  await failpoint('recovery.after_settle');
  return settled;
}

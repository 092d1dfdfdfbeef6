import type { ExpiredTask } from '../ports/index.ts';
import type { RecoverDeps } from './recover-deps.ts';
import { recoverTask } from './recover-task.ts';

/** Looked through in one pass. */
const atMost = 100;
/** Looked at side by side: a target that does not answer takes seconds, and must not keep the others waiting. */
const atOnce = 4;

/**
 * One pass of recovery, made by every worker every few seconds: takes over tasks whose workers let their leases run out, each by one of them alone,
 * and recovers them. Resolves with how many it took over. One that cannot be recovered now does not keep the others from it.
 * @throws AppError `ledger_unavailable` when not even the list can be had
 */
export async function recoverExpired(
  deps: RecoverDeps,
  stopping: AbortSignal = new AbortController().signal,
): Promise<number> {
  const waiting = [...(await deps.recoveries.listExpired({ types: deps.types, limit: atMost }))];
  let taken = 0;
  const lane = async (): Promise<void> => {
    for (let task = waiting.shift(); task !== undefined && !stopping.aborted; task = waiting.shift()) {
      try {
        if (await recover(deps, task, stopping)) taken += 1;
      } catch (error) {
        deps.onError?.(task, error);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return taken;
}

async function recover(deps: RecoverDeps, task: ExpiredTask, stopping: AbortSignal): Promise<boolean> {
  const executor = deps.executorOf(task.type);
  if (executor === undefined) return false;
  const takenAtMs = performance.now();
  const result = await deps.recoveries.takeOver({
    taskId: task.taskId,
    workerId: deps.workerId,
    leaseLifeMs: deps.times.lifeMs,
  });
  if (result.kind !== 'taken') return false;
  const recovered = await recoverTask(deps, executor, result.taken, { stopping, takenAtMs });
  deps.onRecovered?.(result.taken, recovered);
  return true;
}

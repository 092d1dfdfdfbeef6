import type { JsonObject } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import { failpoint } from '../failpoint/index.ts';
import {
  type ClaimedTask,
  type Executor,
  type LeaseRequest,
  type StepRecord,
  TargetError,
  type TargetGateway,
  type TargetLeases,
  type TaskExecutions,
  type TaskOutcome,
} from '../ports/index.ts';
import { keepLease } from './keep-lease.ts';
import type { LeaseTimes } from './lease-times.ts';
import { outcomeOfFailure } from './outcome-of-failure.ts';
import { persistently } from './persistently.ts';
import { runPlan } from './run-plan.ts';
import type { RunningTasks } from './running-tasks.ts';
import { StepJournal } from './step-journal.ts';
import { abortReasonOf, TaskAbort } from './task-abort.ts';
import { withSession } from './with-session.ts';

export interface RunTaskDeps {
  readonly executions: TaskExecutions;
  readonly leases: TargetLeases;
  readonly gateway: TargetGateway;
  readonly executorOf: (type: string) => Executor | undefined;
  readonly running: RunningTasks;
  readonly workerId: string;
  readonly times: LeaseTimes;
  /** Between 0 and 1; spreads the retries of workers that wait for one target. */
  readonly random: () => number;
  /** Called once per finished task, for metrics and logs. */
  readonly onFinished?: (claimed: ClaimedTask, outcome: TaskOutcome, durationMs: number) => void;
  /** Called with what an executor threw that nobody foresaw; the ledger only says `internal_error`. */
  readonly onUnexpected?: (claimed: ClaimedTask, error: unknown) => void;
}

/** What BullMQ is told: over, or deliver again in a while. Failure of the task is `done`: the ledger has it (law 5). */
export type Delivery = { readonly kind: 'done' } | { readonly kind: 'later'; readonly delayMs: number };
const done: Delivery = { kind: 'done' };

/**
 * Runs one task in the order of law 6: claim in the ledger → lease in Redis → session with the target's advisory lock →
 * the gate again → intent → act → verify → outcome under the fence.
 *
 * @throws when ledger or Redis are away: infrastructure, BullMQ delivers again with back-off.
 */
export async function runTask(
  deps: RunTaskDeps,
  delivery: { taskId: string; generation: number; type: string; signal: AbortSignal },
): Promise<Delivery> {
  const executor = deps.executorOf(delivery.type);
  if (executor === undefined)
    throw new Error(`no executor for ${delivery.type}: this worker must not consume its queue`);
  const { access } = executor.taskType;
  const { taskId, generation } = delivery;
  await failpoint('claim.before');
  const claim = await deps.executions.claim({
    taskId,
    generation,
    workerId: deps.workerId,
    access,
    leaseLifeMs: deps.times.lifeMs,
    workerNow: new Date(),
  });
  if (claim.kind === 'over' || claim.kind === 'skipped') return done;
  if (claim.kind === 'not_yet') return later(deps, claim.reason === 'needs_open' ? 250 : 1_000);
  await failpoint('claim.after');
  return await runClaimed(deps, executor, claim.claimed, delivery.signal);
}

async function runClaimed(
  deps: RunTaskDeps,
  executor: Executor,
  claimed: ClaimedTask,
  delivered: AbortSignal,
): Promise<Delivery> {
  const lease: LeaseRequest = {
    targetId: claimed.target.id,
    access: claimed.access,
    holder: claimed.task.id,
    fence: claimed.fence,
    lifeMs: deps.times.lifeMs,
  };
  const controller = deps.running.add(claimed.job.id);
  const signal = AbortSignal.any([controller.signal, delivered]);
  const keeper = keepLease({ ...deps, claimed, lease, abort: (reason) => controller.abort(new TaskAbort(reason)) });
  const progress = { intentRecorded: false };
  try {
    const acquired = await deps.leases.acquire(lease);
    if (acquired.kind === 'busy') {
      await deps.executions.release(claimed, `target leased by ${acquired.holder}`);
      return later(deps, 1_000);
    }
    await failpoint('lease.acquired');
    return await actUnderLease(deps, executor, claimed, signal, progress);
  } catch (error) {
    // Infrastructure failed. Before the intent nothing was done on the target, so the task goes back; after it the outcome is for recovery to find out.
    if (!progress.intentRecorded) await deps.executions.release(claimed, 'infrastructure').catch(() => undefined);
    throw error;
  } finally {
    await keeper.stop();
    deps.running.remove(controller);
    await deps.leases.release(lease).catch(() => undefined); // it expires by itself
  }
}

async function actUnderLease(
  deps: RunTaskDeps,
  executor: Executor,
  claimed: ClaimedTask,
  signal: AbortSignal,
  progress: { intentRecorded: boolean },
): Promise<Delivery> {
  const started = performance.now();
  const gate = await deps.executions.gate(claimed);
  const ended =
    gate.kind === 'closed'
      ? { outcome: { kind: 'skipped', reason: gate.reason, result: null } as const, steps: [] }
      : await actOnTarget(deps, executor, claimed, { signal, closesInMs: gate.closesInMs, progress });
  if ('handBack' in ended) {
    await deps.executions.release(claimed, ended.handBack);
    return later(deps, 2_000);
  }
  const { outcome, steps } = ended;
  const finish = () => deps.executions.finish(claimed, outcome, steps);
  // What is known must not be lost to a short absence of the ledger.
  await failpoint('outcome.before');
  const written = await persistently(finish, deps.times.renewTimeoutMs);
  await failpoint('outcome.after');
  if (written) deps.onFinished?.(claimed, outcome, performance.now() - started);
  return done;
}

type Ended = { readonly outcome: TaskOutcome; readonly steps: readonly StepRecord[] } | { readonly handBack: string };

/** Plans and acts within one session. @throws AppError `ledger_unavailable`: infrastructure, not the task's failure. */
async function actOnTarget(
  deps: RunTaskDeps,
  executor: Executor,
  claimed: ClaimedTask,
  run: { signal: AbortSignal; closesInMs: number | null; progress: { intentRecorded: boolean } },
): Promise<Ended> {
  let journal: StepJournal | undefined;
  const onIntent = (): void => {
    run.progress.intentRecorded = true;
  };
  try {
    const outcome = await withSession(deps, claimed, run.signal, run.closesInMs, async (session, observer) => {
      await failpoint('session.opened');
      const config = executor.taskType.config.parse(claimed.task.config);
      const facts = await executor.readFacts(observer, config);
      if (facts.kind === 'refused') return refused(facts.problems);
      const plan = executor.plan(facts.facts, config);
      journal = new StepJournal(
        plan.steps,
        (steps, percent) => deps.executions.recordProgress(claimed, { steps, percent }),
        deps.times.progressEveryMs,
      );
      const { signal } = run;
      return await runPlan({ ...deps, executor, claimed, config, plan, journal, session, observer, signal, onIntent });
    });
    return { outcome, steps: journal?.steps ?? [] };
  } catch (error) {
    if (error instanceof AppError && error.code === 'ledger_unavailable') throw error;
    const reason = error instanceof TaskAbort ? error.reason : abortReasonOf(run.signal);
    if (error instanceof TargetError && error.code === 'locked_elsewhere')
      return { handBack: 'target locked by another session' };
    if (reason === 'draining' && executor.taskType.class === 'idempotent') return { handBack: 'worker draining' };
    if (reason === undefined && !(error instanceof TargetError)) deps.onUnexpected?.(claimed, error);
    const outcome = outcomeOfFailure(error, reason);
    journal?.endRest(outcome.kind === 'cancelled' ? 'cancelled' : 'task_failed', new Date());
    return { outcome, steps: journal?.steps ?? [] };
  } finally {
    await journal?.close();
  }
}

function later(deps: RunTaskDeps, aboutMs: number): Delivery {
  return { kind: 'later', delayMs: Math.round(aboutMs * (0.75 + deps.random() / 2)) };
}

function refused(problems: readonly { pointer: string; code: string; detail: string }[]): TaskOutcome {
  const message = problems.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ');
  return {
    kind: 'failed',
    error: {
      code: 'config_does_not_fit_target',
      message,
      detail: problems.map((problem): JsonObject => ({ ...problem })),
    },
    result: null,
  };
}

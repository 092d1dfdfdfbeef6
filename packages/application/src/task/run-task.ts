import { setTimeout } from 'node:timers/promises';
import type { JsonObject } from '@slacktide/domain';
import {
  type ClaimedTask,
  type Executor,
  type LeaseRequest,
  TargetError,
  type TargetGateway,
  type TargetLeases,
  type TaskExecutions,
  type TaskOutcome,
} from '../ports/index.ts';
import { keepLease } from './keep-lease.ts';
import type { LeaseTimes } from './lease-times.ts';
import { outcomeOfFailure } from './outcome-of-failure.ts';
import { runPlan } from './run-plan.ts';
import type { RunningTasks } from './running-tasks.ts';
import { StepJournal } from './step-journal.ts';
import { abortReasonOf, TaskAbort } from './task-abort.ts';

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
  const claim = await deps.executions.claim({
    taskId,
    generation,
    workerId: deps.workerId,
    access,
    leaseLifeMs: deps.times.lifeMs,
  });
  if (claim.kind === 'over' || claim.kind === 'skipped') return done;
  if (claim.kind === 'not_yet') return later(deps, claim.reason === 'needs_open' ? 250 : 1_000);
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
  const finish = async (outcome: TaskOutcome, journal?: StepJournal): Promise<Delivery> => {
    await journal?.close();
    const written = await persistently(
      () => deps.executions.finish(claimed, outcome, journal?.steps ?? []),
      deps.times.renewTimeoutMs,
    );
    if (written) deps.onFinished?.(claimed, outcome, performance.now() - started);
    return done;
  };
  const gate = await deps.executions.gate(claimed);
  if (gate.kind === 'closed') return await finish({ kind: 'skipped', reason: gate.reason, result: null });
  let journal: StepJournal | undefined;
  try {
    const outcome = await withSession(deps, claimed, signal, gate.closesInMs, async (session, observer) => {
      const config = executor.taskType.config.parse(claimed.task.config);
      const facts = await executor.readFacts(observer, config);
      if (facts.kind === 'refused') return refused(facts.problems);
      const plan = executor.plan(facts.facts, config);
      journal = new StepJournal(
        plan.steps,
        (steps, percent) => deps.executions.recordProgress(claimed, { steps, percent }),
        deps.times.progressEveryMs,
      );
      return await runPlan({
        ...deps,
        executor,
        claimed,
        config,
        plan,
        journal,
        session,
        observer,
        signal,
        onIntent: () => {
          progress.intentRecorded = true;
        },
      });
    });
    return await finish(outcome, journal);
  } catch (error) {
    const reason = abortReasonOf(signal);
    if (error instanceof TargetError && error.code === 'locked_elsewhere')
      return await handBack(deps, claimed, 'target locked by another session');
    if (reason === 'draining' && executor.taskType.class === 'idempotent')
      return await handBack(deps, claimed, 'worker draining');
    if (reason === undefined && !(error instanceof TargetError)) deps.onUnexpected?.(claimed, error);
    const outcome = outcomeOfFailure(error, reason);
    journal?.endRest(outcome.kind === 'cancelled' ? 'cancelled' : 'task_failed', new Date());
    return await finish(outcome, journal);
  }
}

/** `act` work has the advisory lock; `observe` work has one read-only session that serves as both. */
async function withSession(
  deps: RunTaskDeps,
  claimed: ClaimedTask,
  signal: AbortSignal,
  closesInMs: number | null,
  use: Parameters<TargetGateway['act']>[2] extends (...sessions: infer S) => unknown
    ? (...sessions: S) => Promise<TaskOutcome>
    : never,
): Promise<TaskOutcome> {
  const applicationName = `slacktide/${claimed.task.type.toLowerCase()}/${claimed.fence}`;
  if (claimed.access === 'observe') {
    return await deps.gateway.read(claimed.target, { applicationName, signal }, (reader) =>
      use(
        {
          serverVersion: reader.serverVersion,
          identity: reader.identity,
          query: (sql, parameters) => reader.query(sql, parameters),
          execute: () => Promise.reject(new TargetError('insufficient_privilege', 'observe work may only read')),
          cleanUp: () => Promise.reject(new TargetError('insufficient_privilege', 'observe work may only read')),
        },
        reader,
      ),
    );
  }
  const statementTimeoutMs = Math.max(
    1_000,
    Math.min(deps.times.maxStatementMs, closesInMs ?? Number.POSITIVE_INFINITY),
  );
  return await deps.gateway.act(claimed.target, { applicationName, statementTimeoutMs, signal }, use);
}

async function handBack(deps: RunTaskDeps, claimed: ClaimedTask, reason: string): Promise<Delivery> {
  await deps.executions.release(claimed, reason);
  return later(deps, 2_000);
}

/** Tries again for `limitMs`: an outcome that is known must not be lost to a short absence of the ledger. */
async function persistently<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
  const started = performance.now();
  for (let pauseMs = 100; ; pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() - started + pauseMs > limitMs) throw error;
      await setTimeout(pauseMs);
    }
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

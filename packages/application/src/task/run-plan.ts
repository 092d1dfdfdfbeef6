import { type JsonObject, loadReason, type SkipReason } from '@slacktide/domain';
import { failpoint } from '../failpoint/index.ts';
import {
  type ActRecords,
  type CheckRecords,
  type ClaimedTask,
  type Executor,
  type LookContext,
  type NewRemnant,
  type NewRollbackPoint,
  type NewWatch,
  type Observations,
  type PlannedStep,
  type Remnants,
  type StepOutcome,
  type StepRun,
  TargetError,
  type TaskExecutions,
  type TaskOutcome,
  type UpkeepStore,
} from '../ports/index.ts';
import type { Gate } from './announce.ts';
import { untilAborted } from './bounded.ts';
import { heldUpkeep } from './held-upkeep.ts';
import { outcomeOfLoad, outcomeOfSteps, type StepResult, taskResult } from './outcome-of-steps.ts';
import { whileLeased } from './persistently.ts';
import { type AbortReason, TaskAbort } from './task-abort.ts';
import { leftForLoad, type Throttle } from './throttle.ts';
import { type ThrottledRun, throttleOf } from './throttle-of.ts';

export interface PlanRun extends ThrottledRun {
  readonly executions: Pick<TaskExecutions, 'recordSamples'>;
  readonly remnants: Pick<Remnants, 'record' | 'close'>;
  readonly records: CheckRecords;
  readonly actRecords: ActRecords;
  readonly observations: Pick<Observations, 'record'>;
  readonly upkeep: UpkeepStore;
  readonly context: LookContext;
  readonly executor: Executor;
  readonly claimed: ClaimedTask;
  /** Keys of steps that earlier attempts saw through. */
  readonly doneBefore: ReadonlySet<string>;
  /** The gate; with the first look also the intent. */
  readonly announce: () => Promise<Gate>;
  /** Goes into the result as it is. */
  readonly extra: JsonObject;
}

/**
 * Gate, intent, then every step in order. Before each the target's load is waited for where the configuration has a throttle, then the gate is asked
 * again: so nothing starts after the window closed.
 */
export async function runPlan(run: PlanRun): Promise<TaskOutcome> {
  const { executor, journal, plan, doneBefore } = run;
  const throttle = throttleOf(run);
  const results: StepResult[] = [];
  const remaining = plan.steps.filter(({ key }) => !doneBefore.has(key));
  let gate: Gate | undefined;
  for (const step of remaining) {
    if ((await throttle?.wait())?.verdict === 'overloaded') break;
    gate = await run.announce();
    if (gate.kind === 'closed') break;
    journal.start(step.key, new Date());
    await writeDown(run);
    await failpoint('step.before');
    const outcome = await runStep(run, step, throttle);
    await failpoint('step.after');
    journal.end(step.key, outcome, new Date());
    results.push({ step, outcome });
    await writeDown(run);
    if (executor.inOrder !== true || outcome.kind === 'done') continue;
    journal.endRest(notReached.reason, new Date());
    results.push(...remaining.slice(results.length).map((later) => ({ step: later, outcome: notReached })));
    break;
  }
  if (remaining.length === 0) gate = await run.announce();
  const extra = { ...run.extra, ...throttle?.result };
  if (gate?.kind === 'closed') {
    journal.endRest(gate.reason, new Date());
    return { kind: 'skipped', reason: gate.reason, result: taskResult(plan, results, doneBefore, extra) };
  }
  const all = { ...extra, ...executor.summarise?.(results) };
  if (throttle?.isOverloaded !== true) return outcomeOfSteps(plan, results, doneBefore, all);
  journal.endRest(loadReason, new Date());
  const left = remaining.slice(results.length).map((step) => ({ step, outcome: leftForLoad }));
  return outcomeOfLoad(plan, [...results, ...left], doneBefore, all);
}

/** Of steps that may only begin when those before them were done. */
const notReached = { kind: 'skipped', reason: 'earlier_step_not_done' } as const;

/** What must not be repeated is in the ledger before the next thing is done: who comes after a crash knows what was in hand. */
async function writeDown({ executor, journal, signal }: PlanRun): Promise<void> {
  if (executor.taskType.class === 'idempotent') return;
  if (!(await whileLeased(signal, () => journal.flush()))) throw new TaskAbort('lease_lost');
}

async function runStep(run: PlanRun, step: PlannedStep, throttle: Throttle | undefined): Promise<StepOutcome> {
  run.signal.throwIfAborted();
  const samples: Promise<boolean>[] = [];
  try {
    const outcome = await run.executor.runStep(step, {
      session: run.session,
      observer: run.observer,
      config: run.config,
      signal: run.signal,
      progress: (update) => run.journal.progress(step.key, update),
      sample: (batch) =>
        void samples.push(whileLeased(run.signal, () => run.executions.recordSamples(run.claimed, batch))),
      remnant: (remnant) => recordRemnant(run, remnant),
      effect: (effect) => whileHeld(run, () => run.actRecords.effect(run.claimed, effect)),
      learn: (kind, learned) => whileHeld(run, () => run.actRecords.learn(run.claimed, kind, learned)),
      followUp: (followUp) => whileHeld(run, () => run.actRecords.followUp(run.claimed, followUp)),
      rollbackPoint: (point) => prepareRollback(run, point),
      usedRollback: (id) => whileHeld(run, () => run.actRecords.useRollback(run.claimed, id)),
      watch: (watch) => prepareWatch(run, watch),
      looked: (id, look) => whileHeld(run, () => run.actRecords.recordLook(run.claimed, id, look)),
      breathe: () => breathe(run, throttle),
      ...run.context,
      upkeep: heldUpkeep(run),
      report: (report, config) => whileHeld(run, () => run.records.record(run.claimed, report, config)),
      observe: (observation) => whileHeld(run, () => run.observations.record(run.claimed, observation)),
    });
    // What was done is done: an abort that comes only now finds it so before the next step.
    await Promise.all(samples).catch((error: unknown) => {
      if (!run.signal.aborted) throw error;
    });
    return outcome;
  } catch (error) {
    await Promise.allSettled(samples); // none outlasts an abort
    // One object's refusal is that step's failure; without a session, or told to stop, there is no going on.
    const fatal =
      run.signal.aborted ||
      !(error instanceof TargetError) ||
      error.code === 'session_lost' ||
      error.code === 'cancelled';
    if (fatal) throw error;
    return {
      kind: 'failed',
      error: {
        code: error.code,
        message: error.message,
        ...(error.sqlState === null ? {} : { detail: { sql_state: error.sqlState } }),
      },
    };
  }
}

/** Waits while the target is under load. Time has gone by then, so the gate is asked again. */
async function breathe(run: PlanRun, throttle: Throttle | undefined): Promise<'go' | 'overloaded'> {
  run.signal.throwIfAborted();
  await failpoint('unit.over');
  if (throttle === undefined) return 'go';
  const { verdict, paused } = await throttle.wait();
  if (!paused || verdict === 'overloaded') return verdict;
  const gate = await run.announce();
  // A halt keeps the next step from starting; what has begun goes on.
  const reason = gate.kind === 'closed' ? stopReasons[gate.reason] : undefined;
  if (reason !== undefined) throw new TaskAbort(reason);
  return verdict;
}

const stopReasons: Partial<Record<SkipReason, AbortReason>> = {
  cancelled: 'cancelled',
  outside_window: 'window_closed',
  target_busy: 'lease_lost',
};

/** Writes under the fence. @throws TaskAbort `lease_lost` when the right to is gone */
async function whileHeld({ signal }: PlanRun, write: () => Promise<boolean>): Promise<void> {
  if (!(await whileLeased(signal, write))) throw new TaskAbort('lease_lost');
}

async function prepareRollback(
  { actRecords, claimed, signal }: PlanRun,
  point: NewRollbackPoint,
): ReturnType<StepRun<JsonObject>['rollbackPoint']> {
  const id = await whileLeased(signal, () => actRecords.prepareRollback(claimed, point));
  if (id === undefined) throw new TaskAbort('lease_lost');
  await failpoint('rollback.prepared');
  // A point that could not be settled can be used all the same: what became of the step is looked at then.
  return (state) =>
    untilAborted(signal, actRecords.settleRollback(claimed, id, state)).then(
      () => undefined,
      () => undefined,
    );
}

async function prepareWatch(
  { actRecords, claimed, signal }: PlanRun,
  watch: NewWatch,
): ReturnType<StepRun<JsonObject>['watch']> {
  const id = await whileLeased(signal, () => actRecords.prepareWatch(claimed, watch));
  if (id === undefined) throw new TaskAbort('lease_lost');
  // The first look finds out what became of the step, where this cannot be written.
  return (state) =>
    untilAborted(signal, actRecords.settleWatch(claimed, id, state)).then(
      () => undefined,
      () => undefined,
    );
}

async function recordRemnant(
  { remnants, claimed, signal }: PlanRun,
  remnant: NewRemnant,
): ReturnType<StepRun<JsonObject>['remnant']> {
  const recorded = await whileLeased(signal, () => remnants.record(claimed, remnant));
  if (recorded === undefined) throw new TaskAbort('lease_lost');
  await failpoint('remnant.recorded');
  // A record that could not be closed is looked at once more by the next task, and found absent.
  return (outcome, note) =>
    untilAborted(signal, remnants.close(recorded.id, outcome, note ?? null)).catch(() => undefined);
}

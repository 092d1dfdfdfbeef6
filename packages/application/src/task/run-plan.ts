import type { JsonObject } from '@slacktide/domain';
import { failpoint } from '../failpoint/index.ts';
import {
  type CheckRecords,
  type ClaimedTask,
  type Executor,
  type LookContext,
  type NewRemnant,
  type Observations,
  type Plan,
  type PlannedStep,
  type Remnants,
  type StepOutcome,
  type StepRun,
  TargetError,
  type TargetReader,
  type TargetSession,
  type TaskExecutions,
  type TaskOutcome,
} from '../ports/index.ts';
import type { Gate } from './announce.ts';
import { untilAborted } from './bounded.ts';
import { outcomeOfSteps, type StepResult, taskResult } from './outcome-of-steps.ts';
import { whileLeased } from './persistently.ts';
import type { StepJournal } from './step-journal.ts';
import { TaskAbort } from './task-abort.ts';

export interface PlanRun {
  readonly executions: Pick<TaskExecutions, 'recordSamples'>;
  readonly remnants: Pick<Remnants, 'record' | 'close'>;
  readonly records: CheckRecords;
  readonly observations: Pick<Observations, 'record'>;
  readonly context: LookContext;
  readonly executor: Executor;
  readonly claimed: ClaimedTask;
  readonly config: JsonObject;
  readonly plan: Plan;
  /** Keys of steps that earlier attempts saw through. */
  readonly doneBefore: ReadonlySet<string>;
  readonly journal: StepJournal;
  readonly session: TargetSession;
  readonly observer: TargetReader;
  readonly signal: AbortSignal;
  /** The gate; with the first look also the intent. */
  readonly announce: () => Promise<Gate>;
  /** Goes into the result as it is. */
  readonly extra: JsonObject;
}

/** Gate, intent, then every step in order; the gate is asked again before each, so nothing starts after the window closed. */
export async function runPlan(run: PlanRun): Promise<TaskOutcome> {
  const { executor, journal, plan, doneBefore, extra } = run;
  const results: StepResult[] = [];
  let gate = await run.announce();
  for (const step of plan.steps.filter(({ key }) => !doneBefore.has(key))) {
    if (results.length > 0) gate = await run.announce();
    if (gate.kind === 'closed') break;
    journal.start(step.key, new Date());
    await writeDown(run);
    await failpoint('step.before');
    const outcome = await runStep(run, step);
    await failpoint('step.after');
    journal.end(step.key, outcome, new Date());
    results.push({ step, outcome });
    await writeDown(run);
  }
  if (gate.kind === 'closed') {
    journal.endRest(gate.reason, new Date());
    return { kind: 'skipped', reason: gate.reason, result: taskResult(plan, results, doneBefore, extra) };
  }
  return outcomeOfSteps(plan, results, doneBefore, { ...extra, ...executor.summarise?.(results) });
}

/** What must not be repeated is in the ledger before the next thing is done: who comes after a crash knows what was in hand. */
async function writeDown({ executor, journal, signal }: PlanRun): Promise<void> {
  if (executor.taskType.class === 'idempotent') return;
  if (!(await whileLeased(signal, () => journal.flush()))) throw new TaskAbort('lease_lost');
}

async function runStep(run: PlanRun, step: PlannedStep): Promise<StepOutcome> {
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
      ...run.context,
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

/** Writes under the fence. @throws TaskAbort `lease_lost` when the right to is gone */
async function whileHeld({ signal }: PlanRun, write: () => Promise<boolean>): Promise<void> {
  if (!(await whileLeased(signal, write))) throw new TaskAbort('lease_lost');
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

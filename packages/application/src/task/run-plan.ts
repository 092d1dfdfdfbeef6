import type { JsonObject } from '@slacktide/domain';
import { failpoint } from '../failpoint/index.ts';
import {
  type ClaimedTask,
  type Executor,
  type Plan,
  type PlannedStep,
  type StepOutcome,
  TargetError,
  type TargetReader,
  type TargetSession,
  type TaskExecutions,
  type TaskOutcome,
} from '../ports/index.ts';
import { outcomeOfSteps, type StepResult, taskResult } from './outcome-of-steps.ts';
import type { StepJournal } from './step-journal.ts';
import { TaskAbort } from './task-abort.ts';

export interface PlanRun {
  readonly executions: Pick<TaskExecutions, 'gate' | 'recordIntent' | 'recordSamples'>;
  readonly executor: Executor;
  readonly claimed: ClaimedTask;
  readonly config: JsonObject;
  readonly plan: Plan;
  readonly journal: StepJournal;
  readonly session: TargetSession;
  readonly observer: TargetReader;
  readonly signal: AbortSignal;
  /** From here on the target may have been changed. */
  readonly onIntent: () => void;
}

/** Gate, intent, then every step in order; the gate is asked again before each, so nothing starts after the window closed. */
export async function runPlan(run: PlanRun): Promise<TaskOutcome> {
  const { claimed, executions, executor, journal, plan } = run;
  const gate = await executions.gate(claimed);
  if (gate.kind === 'closed') {
    journal.endRest(gate.reason, new Date());
    return { kind: 'skipped', reason: gate.reason, result: taskResult(plan, [], {}) };
  }
  await failpoint('intent.before');
  if (!(await executions.recordIntent(claimed, run.session.identity))) throw new TaskAbort('lease_lost');
  run.onIntent();
  await failpoint('intent.after');

  const results: StepResult[] = [];
  for (const step of plan.steps) {
    const stillOpen = results.length === 0 ? gate : await executions.gate(claimed);
    if (stillOpen.kind === 'closed') {
      journal.endRest(stillOpen.reason, new Date());
      return { kind: 'skipped', reason: stillOpen.reason, result: taskResult(plan, results, {}) };
    }
    journal.start(step.key, new Date());
    await failpoint('step.before');
    const outcome = await runStep(run, step);
    await failpoint('step.after');
    journal.end(step.key, outcome, new Date());
    results.push({ step, outcome });
  }
  return outcomeOfSteps(plan, results, executor.summarise?.(results) ?? {});
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
      sample: (batch) => void samples.push(run.executions.recordSamples(run.claimed, batch)),
    });
    await Promise.all(samples);
    return outcome;
  } catch (error) {
    await Promise.allSettled(samples);
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

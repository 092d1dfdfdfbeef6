import { type JsonObject, pauseNumberOf } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import { failpoint } from '../failpoint/index.ts';
import { type ClaimedTask, type Executor, type StepRecord, TargetError, type TaskOutcome } from '../ports/index.ts';
import { announcer } from './announce.ts';
import { withinMs } from './bounded.ts';
import type { LeaseKeeper } from './keep-lease.ts';
import { lookContext } from './look-context.ts';
import { namingTimeLimit, outcomeOfFailure } from './outcome-of-failure.ts';
import { whileLeased } from './persistently.ts';
import { provenSession } from './proven-session.ts';
import { runPlan } from './run-plan.ts';
import type { RunTaskDeps } from './run-task-deps.ts';
import { StepJournal } from './step-journal.ts';
import type { StuckGuard } from './stuck-guard.ts';
import { sweepRemnants, sweptResult } from './sweep-remnants.ts';
import { type AbortReason, abortReasonOf, TaskAbort } from './task-abort.ts';
import { applicationNameOf, type StatementBounds, withSession } from './with-session.ts';

/** A claimed task with the lease in hand. */
export interface LeasedRun {
  readonly executor: Executor;
  readonly claimed: ClaimedTask;
  readonly keeper: LeaseKeeper;
  readonly guard: StuckGuard;
  readonly signal: AbortSignal;
  /** Set when somebody may have written the intent: from then on the target may have been changed. */
  readonly progress: { intentRecorded: boolean };
}

export type Ended =
  | { readonly kind: 'ended'; readonly outcome: TaskOutcome; readonly steps: readonly StepRecord[] }
  /** Nothing of it runs, and it may be done again: back to PENDING. */
  | { readonly kind: 'hand_back'; readonly reason: string };

/**
 * Plans and acts within one session.
 * @throws AppError `ledger_unavailable`, or what left the outcome unclear: the task stays RUNNING, for recovery to find out.
 */
export async function actOnTarget(deps: RunTaskDeps, run: LeasedRun, bounds: StatementBounds): Promise<Ended> {
  const { claimed, executor, guard, signal } = run;
  let journal: StepJournal | undefined;
  const handBack = async (reason: string): Promise<Ended> => {
    // What was done need not be done again; if it cannot be written now, it is.
    await withinMs(deps.times.renewTimeoutMs, journal?.flush() ?? Promise.resolve(true)).catch(() => undefined);
    return { kind: 'hand_back', reason };
  };
  const open = (steps: StepJournal): void => {
    journal = steps;
  };
  try {
    const work = () =>
      withSession({ ...deps, executor }, claimed, signal, bounds, (...sessions) => act(deps, run, sessions, open));
    const outcome = await guard.during(work);
    const aborted = abortReasonOf(signal);
    // The step that was cut short may have said so by failing.
    if (outcome.kind === 'failed' && isOurs(executor, aborted)) return await handBack(aborted);
    return { kind: 'ended', outcome: namingTimeLimit(outcome, aborted), steps: journal?.steps ?? [] };
  } catch (error) {
    if (error instanceof AppError && error.code === 'ledger_unavailable') throw error;
    const aborted = error instanceof TaskAbort ? error.reason : abortReasonOf(signal);
    if (error instanceof TargetError && error.code === 'locked_elsewhere')
      return { kind: 'hand_back', reason: 'target_locked' };
    if (isOurs(executor, aborted)) return await handBack(aborted);
    const unforeseen = aborted === undefined && !(error instanceof TargetError);
    if (unforeseen) deps.onUnexpected?.(claimed, error);
    const unclear = unforeseen || (error instanceof TargetError && error.code === 'session_lost');
    if (unclear && run.progress.intentRecorded && !isIdempotent(executor)) throw error;
    const outcome = outcomeOfFailure(error, aborted);
    journal?.endRest(outcome.kind === 'cancelled' ? 'cancelled' : 'task_failed', new Date());
    return { kind: 'ended', outcome, steps: journal?.steps ?? [] };
  } finally {
    await journal?.close(deps.times.renewTimeoutMs);
  }
}

/** Whether it was stopped for reasons of ours, not of its own, and may be done again. */
function isOurs(executor: Executor, aborted: AbortReason | undefined): aborted is 'draining' | 'lease_lost' {
  return isIdempotent(executor) && (aborted === 'draining' || aborted === 'lease_lost');
}

function isIdempotent(executor: Executor): boolean {
  return executor.taskType.class === 'idempotent';
}

async function act(
  deps: RunTaskDeps,
  run: LeasedRun,
  [acting, observer]: Parameters<Parameters<typeof withSession>[4]>,
  open: (journal: StepJournal) => void,
): Promise<TaskOutcome> {
  const { executor, claimed, keeper, signal, progress } = run;
  await failpoint('session.opened');
  const session = provenSession(acting, keeper, signal);
  const onIntent = (): void => {
    progress.intentRecorded = true;
  };
  const announce = announcer({ ...deps, claimed, identity: session.identity, signal, onIntent });
  const listOpen = () => deps.remnants.listOpen(claimed.target.id);
  const remnants = claimed.access === 'act' ? await whileLeased(signal, listOpen) : [];
  let extra: JsonObject = {};
  if (remnants.length > 0) {
    const gate = await announce();
    if (gate.kind === 'closed') return { kind: 'skipped', reason: gate.reason, result: null };
    extra = sweptResult(await sweepRemnants(deps, session, remnants));
  }
  const config = executor.taskType.config.parse(claimed.task.config);
  const context = lookContext(deps, claimed.target, { applicationName: applicationNameOf(claimed), signal });
  const facts = await executor.readFacts(observer, config, context);
  if (facts.kind === 'refused') return refused(facts.problems);
  const plan = executor.plan(facts.facts, config);
  const doneSteps =
    claimed.task.attempt === 0 || executor.startsOver === true
      ? []
      : await whileLeased(signal, () => deps.executions.listDoneSteps(claimed));
  const doneBefore = new Set(doneSteps.filter((key) => pauseNumberOf(key) === undefined));
  const journal = new StepJournal(
    plan.steps,
    (steps, percent) => deps.executions.recordProgress(claimed, { steps, percent }),
    deps.times.progressEveryMs,
    doneBefore,
  );
  open(journal);
  return await runPlan({
    ...deps,
    ...run,
    context,
    config,
    plan,
    doneBefore,
    pausesBefore: Math.max(0, ...doneSteps.map((key) => pauseNumberOf(key) ?? 0)),
    journal,
    session,
    observer,
    announce,
    extra,
  });
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

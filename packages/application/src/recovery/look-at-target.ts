import { decideRecovery, type Evidence, mayLook, pauseNumberOf, type RecoveryDecision } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import {
  compareEpochs,
  type Executor,
  type InterruptedWork,
  type TakenOver,
  TargetError,
  type TargetReader,
  type TargetSession,
} from '../ports/index.ts';
import { type LeaseKeeper, sweepRemnants, TaskAbort } from '../task/index.ts';
import { provenSession } from '../task/proven-session.ts';
import { withSession } from '../task/with-session.ts';
import type { Finding } from './finding.ts';
import { recordedEnd } from './recorded-end.ts';
import type { RecoverDeps } from './recover-deps.ts';
import { patienceOf } from './recovery-times.ts';

/** A task in the hands of recovery. */
export interface RecoveryRun {
  readonly deps: RecoverDeps;
  readonly executor: Executor;
  readonly taken: TakenOver;
  readonly keeper: LeaseKeeper;
  /** Aborted when the right to recover is lost, or the worker has to stop. */
  readonly signal: AbortSignal;
}

/**
 * Finds out what became of the work, and does on the target what follows from it: ends the dead worker's session, takes back what was begun, sweeps what
 * was left behind.
 *
 *   nothing written of an intent → nothing was done: no look is needed
 *   three looks came to no end   → no look is taken any more
 *   the session of the intent    → gone, or ended by us
 *   the target's advisory lock   → ours: only that proves that nothing of it runs any more
 *   steps in the ledger, catalogue → done or not
 *
 * @throws when aborted, or the ledger is away
 */
export async function lookAtTarget(run: RecoveryRun): Promise<Finding> {
  const { taken } = run;
  const known: Known = {};
  if (taken.access === 'observe' || taken.intent === null) return conclude(run, { kind: 'untouched' }, known);
  // Workers died while they did what follows: not even a session is opened.
  if (!mayLook(taken)) return conclude(run, { kind: 'out_of_reach' }, known);
  try {
    return await look(run, taken.intent, known);
  } catch (error) {
    if (run.signal.aborted || error instanceof TaskAbort) throw error;
    if (error instanceof AppError && error.code === 'ledger_unavailable') throw error;
    if (!(error instanceof TargetError)) run.deps.onUnexpected?.(taken, error);
    // What nobody foresaw may hold anything, even a connection string: it goes to the log, not to the ledger.
    const problem =
      error instanceof TargetError
        ? { code: error.code, message: error.message }
        : { code: 'internal_error', message: 'recovery failed unexpectedly; see the worker log' };
    return conclude(run, { kind: 'out_of_reach' }, { ...known, problem });
  }
}

type Intent = NonNullable<TakenOver['intent']>;
type Known = { -readonly [K in keyof Finding]?: Finding[K] };

async function look(run: RecoveryRun, intent: Intent, known: Known): Promise<Finding> {
  const { deps, executor, signal, taken } = run;
  const predecessor = await deps.gateway.findPredecessor(taken.target, intent);
  known.server = compareEpochs(intent.epoch, predecessor.epoch);
  if (known.server === 'other_system') return conclude(run, { kind: 'other_system' }, known);
  if (predecessor.kind === 'running') {
    known.session = predecessor;
    const running: Evidence = { kind: 'session_running', isEnding: false };
    if (decide(run, running).kind !== 'end_session') return conclude(run, running, known);
    run.keeper.assertHeld();
    if ((await deps.gateway.endPredecessor(taken.target, intent)) === 'refused') {
      known.problem = {
        code: 'session_will_not_end',
        message: 'the server did not end the session of the dead worker',
      };
      return conclude(run, { kind: 'session_running', isEnding: true }, known);
    }
  }
  const bounds = { closesInMs: null, timeLeftMs: taken.task.timeLimitSeconds * 1_000 };
  return await withSession({ ...deps, executor }, taken, signal, bounds, (session, observer) =>
    lookInSession(run, intent, known, session, observer),
  );
}

async function lookInSession(
  run: RecoveryRun,
  intent: Intent,
  known: Known,
  acting: TargetSession,
  observer: TargetReader,
): Promise<Finding> {
  const { executor, keeper, signal, taken } = run;
  const session = provenSession(acting, keeper, signal);
  known.server = compareEpochs(intent.epoch, session.identity.epoch);
  if (known.server === 'other_system') return conclude(run, { kind: 'other_system' }, known);
  const isPromoted = known.server === 'promoted';
  const work: InterruptedWork<never> = {
    config: executor.taskType.config.parse(taken.task.config) as never,
    intent,
    steps: taken.steps.filter(({ key }) => pauseNumberOf(key) === undefined),
    remnants: taken.remnants,
  };
  // What was written about the old primary need not hold for the new one.
  const recorded = isPromoted ? undefined : recordedEnd(taken);
  if (recorded !== undefined) known.recorded = recorded;
  else known.inspection = (await executor.inspect?.(observer, work)) ?? { kind: 'unclear', evidence: {} };
  const found = known.inspection?.kind ?? 'done';
  const finding = conclude(run, { kind: 'over', found, isPromoted }, known);
  if (finding.decision.kind === 'need_operator') return finding; // who comes to look finds everything as it was left
  if (finding.decision.kind === 'roll_back') known.rolledBack = (await executor.rollBack?.(session, work)) ?? {};
  known.swept = await sweep(run, session);
  return { ...finding, ...known };
}

/** Sweeps within the job's window only; otherwise the next task on the target does. */
async function sweep({ deps, taken }: RecoveryRun, session: TargetSession) {
  const open = await deps.remnants.listOpen(taken.target.id);
  if (open.length === 0) return { swept: [], kept: [], left: [] };
  const gate = await deps.executions.gate(taken);
  if (gate.kind === 'closed' && gate.reason === 'target_busy') throw new TaskAbort('lease_lost');
  if (gate.kind === 'closed' && gate.reason === 'outside_window') {
    return { swept: [], kept: [], left: open.map(({ id }) => `remnant ${id} waits for the window`) };
  }
  return await sweepRemnants(deps, session, open);
}

function decide({ deps, executor, taken }: RecoveryRun, evidence: Evidence): RecoveryDecision {
  return decideRecovery({
    class: executor.taskType.class,
    canRollBack: executor.rollBack !== undefined,
    crashes: taken.task.crashes,
    attempts: taken.attempts,
    cancelRequested: taken.job.cancelRequestedAt !== null,
    evidence,
    expiredForMs: taken.expiredForMs,
    ...patienceOf(deps),
  });
}

function conclude(run: RecoveryRun, evidence: Evidence, known: Known): Finding {
  const decision = decide(run, evidence);
  // Between two looks it may have become time to end the session: the next look does it.
  return { ...known, decision: decision.kind === 'end_session' ? { kind: 'wait' } : decision };
}

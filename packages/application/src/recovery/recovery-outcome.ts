import type { Json, JsonObject, Step, UnclearReason } from '@slacktide/domain';
import { isTerminal, mayLook, pauseNumberOf } from '@slacktide/domain';
import type { TakenOver, TaskOutcome } from '../ports/index.ts';
import { sweptResult } from '../task/sweep-remnants.ts';
import type { Finding } from './finding.ts';

/** A decision that ends the task, or leaves it to a person. */
export type Settlement = Exclude<Finding['decision'], { kind: 'wait' | 'redrive' }>;

const whyUnclear: Record<UnclearReason, string> = {
  must_not_be_repeated: 'such work is not repeated by itself',
  cannot_be_rolled_back: 'there is no way to take it back',
  promoted: 'the target was promoted meanwhile, and the old primary may still be at work',
  other_system: 'the target is now another system than the one that was worked on',
  recovery_fails: 'whoever looked what became of it came to no end, so nobody looks any more',
  out_of_reach: 'its target could not be asked, or its session would not end, for too long',
};

/** What the ledger is to say of a task that recovery settles, with its steps. */
export function recoveryOutcome(
  found: TakenOver,
  finding: Finding & { readonly decision: Settlement },
  now: Date,
): { readonly outcome: TaskOutcome; readonly steps: readonly Step[] } {
  const taken = { ...found, steps: endPauses(found.steps, now) };
  const { decision } = finding;
  const recovery = { recovery: about(taken, finding), ...(finding.swept && sweptResult(finding.swept)) };
  switch (decision.kind) {
    case 'succeed':
      return succeeded(taken, finding, recovery, now);
    case 'cancel':
      return { outcome: { kind: 'cancelled', result: recovery }, steps: endSteps(taken.steps, 'CANCELLED', now) };
    case 'roll_back': {
      const outcome = { kind: 'rolled_back', result: { ...finding.rolledBack, ...recovery } } as const;
      return { outcome, steps: endSteps(taken.steps, 'ROLLED_BACK', now) };
    }
    case 'quarantine': {
      const error = { code: 'quarantined', message: quarantined(taken), detail: everything(taken, finding) };
      return { outcome: { kind: 'failed', error, result: recovery }, steps: endSteps(taken.steps, 'CANCELLED', now) };
    }
    case 'need_operator': {
      const message = `Nobody can tell what became of it: its worker ${taken.previousWorkerId} is gone, and ${whyUnclear[decision.why]}`;
      const detail = { why: decision.why, ...everything(taken, finding) };
      const steps = taken.steps.map((step) =>
        step.state === 'RUNNING' ? { ...step, ...idle, state: 'NEEDS_OPERATOR' as const } : step,
      );
      return {
        outcome: { kind: 'needs_operator', error: { code: 'outcome_unclear', message, detail }, result: null },
        steps,
      };
    }
  }
}

function succeeded(taken: TakenOver, finding: Finding, recovery: JsonObject, now: Date) {
  const { recorded, inspection } = finding;
  if (recorded !== undefined) {
    const outcome: TaskOutcome =
      recorded.kind === 'succeeded'
        ? { kind: 'succeeded', result: { ...recorded.result, ...recovery } }
        : { ...recorded, result: { ...recorded.result, ...recovery } };
    return { outcome, steps: taken.steps };
  }
  const result = inspection?.kind === 'done' ? inspection.result : {};
  const steps = taken.steps.map((step) =>
    isTerminal(step.state) ? step : { ...step, ...idle, state: 'SUCCEEDED' as const, percent: 100, finishedAt: now },
  );
  return { outcome: { kind: 'succeeded', result: { ...result, ...recovery } } as const, steps };
}

const idle = { phase: null, etaSeconds: null };

/** A pause that its worker left did nothing that anybody could wonder about. */
function endPauses(steps: readonly Step[], now: Date): readonly Step[] {
  const isOpen = ({ key, state }: Step): boolean => pauseNumberOf(key) !== undefined && !isTerminal(state);
  return steps.map((step) =>
    isOpen(step) ? { ...step, ...idle, state: 'CANCELLED', reason: 'worker_lost', finishedAt: now } : step,
  );
}

/** The step in hand ends in `state`, those not begun are SKIPPED. */
function endSteps(steps: readonly Step[], state: 'CANCELLED' | 'ROLLED_BACK', now: Date): readonly Step[] {
  const end = { ...idle, reason: 'worker_lost', finishedAt: now };
  return steps.map((step) => {
    if (isTerminal(step.state)) return step;
    return { ...step, ...end, state: step.state === 'PENDING' ? 'SKIPPED' : state };
  });
}

function quarantined(taken: TakenOver): string {
  const { attempts, task, previousWorkerId, expiredAt, steps } = taken;
  const inHand = steps.find(({ state }) => state === 'RUNNING');
  const at = inHand === undefined ? '' : `, at ${inHand.object ?? inHand.key}`;
  if (taken.intent !== null && !mayLook(taken)) {
    return `recovery was begun ${attempts - 1} times and came to no end, the last time by ${previousWorkerId}${at}: nobody looks any more what became of it`;
  }
  return `${task.crashes + 1} workers were lost over it, the last one, ${previousWorkerId}, by ${expiredAt.toISOString()}${at}: it is not given to another`;
}

/** Whose work it was. */
function about({ previousWorkerId, previousFence, expiredAt }: TakenOver, { server }: Finding): JsonObject {
  return {
    worker: previousWorkerId,
    fence: previousFence,
    expired_at: expiredAt.toISOString(),
    ...(server === undefined ? {} : { server }),
  };
}

/** For whoever has to find out. */
function everything(taken: TakenOver, finding: Finding): JsonObject {
  const { intent, remnants, steps } = taken;
  const { inspection, problem, session } = finding;
  const inHand = steps.filter(({ state }) => state === 'RUNNING');
  return {
    ...about(taken, finding),
    recovery_attempts: taken.attempts,
    session:
      intent === null
        ? null
        : {
            pid: intent.pid,
            backend_start: intent.backendStart,
            application_name: intent.applicationName,
            recorded_at: intent.at.toISOString(),
          },
    ...(session === undefined
      ? {}
      : { session_seen: { state: session.state, waits_for: session.waitsFor, statement: session.statement } }),
    in_hand: inHand.map(({ key, object, statement }) => ({ key, object, statement })),
    steps_done: steps.filter(({ state }) => state === 'SUCCEEDED').length,
    steps_waiting: steps.filter(({ state }) => state === 'PENDING').length,
    remnants: remnants.map(({ id, kind, proof }) => ({ id, kind, proof })) as Json,
    ...(inspection?.kind === 'unclear' ? { evidence: inspection.evidence } : {}),
    ...(inspection === undefined ? {} : { found: inspection.kind }),
    ...(problem === undefined ? {} : { problem }),
  };
}

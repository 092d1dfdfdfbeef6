import { type JsonObject, loadReason } from '@slacktide/domain';
import type { Plan, PlannedStep, StepOutcome, TaskOutcome } from '../ports/index.ts';

export interface StepResult {
  readonly step: PlannedStep;
  readonly outcome: StepOutcome;
}

/** What the whole task came to. One failed step fails the task, but the others were still tried: objects are independent. */
export function outcomeOfSteps(
  plan: Plan,
  results: readonly StepResult[],
  doneBefore: ReadonlySet<string>,
  extra: JsonObject,
): TaskOutcome {
  const result = taskResult(plan, results, doneBefore, extra);
  const failures = results.flatMap(({ outcome }) => (outcome.kind === 'failed' ? [outcome.error] : []));
  const [first] = failures;
  if (first !== undefined) {
    const others = failures.length - 1;
    const message =
      others === 0 ? first.message : `${first.message} (and ${others} more failed step${others === 1 ? '' : 's'})`;
    return { kind: 'failed', error: { ...first, message }, result };
  }
  const [unseen] = plan.unknown;
  if (plan.steps.length === 0 && doneBefore.size === 0 && unseen !== undefined) {
    const cure = unseen.grant === null ? '' : `; cure: ${unseen.grant}`;
    const message = `nothing could be judged: ${plan.unknown.length} of ${plan.checked} objects could not be seen, e.g. ${unseen.object}: ${unseen.reason}${cure}`;
    return { kind: 'failed', error: { code: 'nothing_visible', message }, result };
  }
  const done = doneBefore.size > 0 || results.some(({ outcome }) => outcome.kind === 'done');
  if (!done && results.length > 0) return { kind: 'skipped', reason: 'all_steps_skipped', result };
  return { kind: 'succeeded', result };
}

/** The same of a task that the target's load left no time for all of its steps: as long as nothing failed, that is how it ended. */
export function outcomeOfLoad(...ended: Parameters<typeof outcomeOfSteps>): TaskOutcome {
  const outcome = outcomeOfSteps(...ended);
  const [, results] = ended;
  const isLeft = results.some((each) => each.outcome.kind === 'skipped' && each.outcome.reason === loadReason);
  if (outcome.kind === 'failed' || !isLeft) return outcome;
  return { kind: 'skipped', reason: loadReason, result: outcome.result };
}

/** Counts of what was looked at, done, skipped and unseen (law 8). `done_before` is there when earlier attempts had done a part. */
export function taskResult(
  plan: Plan,
  results: readonly StepResult[],
  doneBefore: ReadonlySet<string>,
  extra: JsonObject,
): JsonObject {
  const count = (kind: StepOutcome['kind']): number => results.filter(({ outcome }) => outcome.kind === kind).length;
  return {
    checked: plan.checked,
    planned: new Set([...plan.steps.map(({ key }) => key), ...doneBefore]).size,
    done: count('done'),
    ...(doneBefore.size === 0 ? {} : { done_before: doneBefore.size }),
    failed: count('failed'),
    skipped: [
      ...plan.skipped,
      ...results.flatMap(({ step, outcome }) =>
        outcome.kind === 'skipped' ? [{ object: step.key, reason: outcome.reason }] : [],
      ),
    ],
    unknown: plan.unknown,
    ...extra,
  };
}

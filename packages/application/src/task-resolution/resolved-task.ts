import { isTerminal, type Json, type JsonObject, nextState, type Resolution, type Step } from '@slacktide/domain';
import type { ResolvedTask, TaskWithSteps } from '../ports/index.ts';

/** What a person said, and when. */
export interface Verdict {
  readonly resolution: Resolution;
  readonly note: string;
  /** Name of who said it. */
  readonly by: string;
  readonly at: Date;
}

/** The task as a person says it is; undefined when it needs no operator. What was unclear about it stays told in its result. */
export function resolvedTask(task: TaskWithSteps, verdict: Verdict): ResolvedTask | undefined {
  const { resolution, at } = verdict;
  const transition = nextState(task.state, { kind: 'resolve', resolution });
  if (transition.kind === 'refused') return undefined;
  const { state } = transition;
  const steps = task.steps.map((step) => resolvedStep(step, task, verdict));
  if (!isTerminal(state)) {
    // A person has looked: what was counted against the task before counts no longer.
    const fresh = { progress: null, crashes: 0, startedAt: null, finishedAt: null };
    return { id: task.id, state, reason: null, result: null, error: null, ...fresh, steps };
  }
  return {
    id: task.id,
    state,
    reason: null,
    result: resultOf(task, verdict),
    error: state === 'FAILED' ? task.error : null,
    progress: state === 'SUCCEEDED' ? 100 : task.progress,
    crashes: task.crashes,
    startedAt: task.startedAt,
    finishedAt: at,
    steps,
  };
}

function resultOf(task: TaskWithSteps, { resolution, note, by, at }: Verdict): JsonObject {
  const unclear = task.error as unknown as Json;
  return { ...objectOf(task.result), resolution: { outcome: resolution, note, by, at: at.toISOString(), unclear } };
}

function objectOf(result: Json | null): JsonObject {
  return typeof result === 'object' && result !== null && !Array.isArray(result) ? (result as JsonObject) : {};
}

/** The step in hand shares its task's fate; those not begun are left out, unless the task is to run again. */
function resolvedStep(step: Step, task: TaskWithSteps, { resolution, at }: Verdict): Step {
  if (isTerminal(step.state)) return step;
  const idle = { phase: null, etaSeconds: null };
  if (resolution === 'retry') {
    return { ...step, ...idle, state: 'PENDING', reason: 'interrupted', percent: null, error: null, startedAt: null };
  }
  if (step.state === 'PENDING') return { ...step, ...idle, state: 'SKIPPED', reason: 'resolved', finishedAt: at };
  const transition = nextState('NEEDS_OPERATOR', { kind: 'resolve', resolution });
  if (transition.kind === 'refused') throw new Error(`expected ${resolution} to resolve a step`);
  const error = resolution === 'failed' ? (step.error ?? task.error) : null;
  return { ...step, ...idle, state: transition.state, error, finishedAt: at };
}

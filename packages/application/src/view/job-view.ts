import type { Job as JobView, Step as StepView, Task as TaskView } from '@slacktide/contract';
import type { Json, JsonObject, Step, TaskError } from '@slacktide/domain';
import type { JobWithTasks, NewJob, TaskWithSteps } from '../ports/index.ts';

/** A job as the API shows it, its tasks in their order. */
export function jobView(job: JobWithTasks): JobView {
  return {
    id: job.id,
    schedule_id: job.scheduleId,
    target_id: job.targetId,
    trigger: job.trigger,
    state: job.state,
    reason: job.reason,
    scheduled_for: job.scheduledFor.toISOString(),
    started_at: instant(job.startedAt),
    finished_at: instant(job.finishedAt),
    generation: job.generation,
    cancel_requested_at: instant(job.cancelRequestedAt),
    trace_id: job.traceId,
    requested_by: job.requestedBy,
    result: documentOf(job),
    tasks: [...job.tasks].sort((a, b) => a.position - b.position).map(taskView),
  };
}

/** What a task made of the whole run, for people: care makes one. */
function documentOf({ tasks }: JobWithTasks): JobView['result'] {
  for (const { result } of tasks) {
    const document = isObject(result) ? result['document'] : undefined;
    if (isObject(document)) return document;
  }
  return null;
}

function isObject(value: Json | null | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A job that was made just now: none of its tasks has a step yet. */
export function newJobView(job: NewJob): JobView {
  return jobView({ ...job, tasks: job.tasks.map((task) => ({ ...task, steps: [] })) });
}

function taskView(task: TaskWithSteps): TaskView {
  return {
    id: task.id,
    key: task.key,
    type: task.type,
    config: task.config,
    needs: [...task.needs],
    state: task.state,
    reason: task.reason,
    attempt: task.attempt,
    crashes: task.crashes,
    time_limit_seconds: task.timeLimitSeconds,
    progress: task.progress,
    result: task.result,
    error: errorView(task.error),
    started_at: instant(task.startedAt),
    finished_at: instant(task.finishedAt),
    steps: [...task.steps].sort((a, b) => a.position - b.position).map(stepView),
  };
}

function stepView(step: Step): StepView {
  return {
    key: step.key,
    state: step.state,
    reason: step.reason,
    object: step.object,
    statement: step.statement,
    phase: step.phase,
    percent: step.percent,
    eta_seconds: step.etaSeconds,
    result: step.result,
    error: errorView(step.error),
    started_at: instant(step.startedAt),
    finished_at: instant(step.finishedAt),
  };
}

function errorView(error: TaskError | null): TaskView['error'] {
  return error === null ? null : { code: error.code, message: error.message, detail: error.detail ?? null };
}

function instant(at: Date | null): string | null {
  return at?.toISOString() ?? null;
}
